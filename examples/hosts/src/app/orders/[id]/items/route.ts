/** A route of one's own on Next. */
import type { JsonValue } from "@bufbuild/protobuf";
import { problemOf } from "protosource-es/http";
import { addItem } from "../../../../orders.js";
import { served } from "../../../orders.js";

export async function POST(
  request: Request,
  { params }: { readonly params: Promise<{ readonly id: string }> },
): Promise<Response> {
  try {
    return Response.json(await addItem(served.orders, (await params).id, (await request.json()) as JsonValue));
  } catch (error) {
    const problem = problemOf(error);
    if (problem.status >= 500) console.error(error);
    return Response.json(problem.body, problem);
  }
}
