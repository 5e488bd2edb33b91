/** The code in the documentation, and what is wrong with it. */

/** A fenced block of a Markdown file. */
export interface Block {
  /** The line of its opening fence, from 1. */
  readonly line: number;
  readonly language: string;
  readonly code: string;
  /** What the HTML comment on the line above it says. */
  readonly comment: string | undefined;
}

/** What a page is judged by. */
export interface Repository {
  /** Gives the text of a file that is under version control; undefined for any other. */
  read(path: string): string | undefined;
  /** Tells whether a check of the repository compiles the file. */
  isCompiled(path: string): boolean;
  /** The scripts of a workspace, or of the root without one; undefined when there is no such workspace. */
  scripts(workspace?: string): readonly string[] | undefined;
}

/** The languages of which every block is a part of a file that is compiled. */
const COMPILED: readonly string[] = ["ts", "proto"];

/** Finds the fenced blocks of a page. */
export function readBlocks(markdown: string): readonly Block[] {
  const lines = markdown.split("\n");
  const blocks: Block[] = [];
  for (let start = 0; start < lines.length; start++) {
    const language = /^```(\w*)$/.exec(lines[start] ?? "")?.[1];
    if (language === undefined) continue;
    const end = lines.indexOf("```", start + 1);
    blocks.push({
      line: start + 1,
      language,
      code: lines.slice(start + 1, end < 0 ? undefined : end).join("\n"),
      comment: /^<!-- (.*) -->$/.exec(lines[start - 1] ?? "")?.[1],
    });
    start = end < 0 ? lines.length : end;
  }
  return blocks;
}

/** Finds what is wrong with the code of a page. */
export function findProblems(markdown: string, repository: Repository): readonly string[] {
  return readBlocks(markdown).flatMap((block) => {
    const problems = COMPILED.includes(block.language)
      ? compiledProblems(block, repository)
      : block.language === "sh"
        ? shellProblems(block, repository)
        : [];
    return problems.map((problem) => `line ${block.line}: ${problem}`);
  });
}

function compiledProblems({ comment, code }: Block, repository: Repository): readonly string[] {
  if (comment === undefined) return ["the block has no comment above it that names its file"];
  const text = repository.read(comment);
  if (text === undefined) return [`${comment} isn't a file of the repository`];
  if (!repository.isCompiled(comment)) return [`${comment} isn't compiled by any check`];
  return isPartOf(code, text) ? [] : [`${comment} doesn't hold this block`];
}

function shellProblems({ code }: Block, repository: Repository): readonly string[] {
  return [...code.matchAll(/\bnpm run ([\w:-]+)(?:.*?(?: -w| --workspace)[ =](\S+))?/g)].flatMap(
    ([, script = "", workspace]) => {
      const scripts = repository.scripts(workspace);
      if (scripts === undefined) return [`${workspace} isn't a workspace`];
      return scripts.includes(script) ? [] : [`${workspace ?? "package.json"} has no script ${script}`];
    },
  );
}

/** Tells whether lines follow each other in a text, at whatever depth the text has them. */
function isPartOf(code: string, text: string): boolean {
  const wanted = dedent(code.split("\n"));
  const lines = text.split("\n");
  const length = wanted.split("\n").length;
  return lines.some((_, start) => dedent(lines.slice(start, start + length)) === wanted);
}

function dedent(lines: readonly string[]): string {
  const depths = lines.filter((line) => line.trim() !== "").map((line) => line.search(/\S/));
  const depth = Math.min(...depths);
  return lines.map((line) => line.slice(depth)).join("\n");
}
