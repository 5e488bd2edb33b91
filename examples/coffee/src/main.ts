import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Repository } from "protosource-es";
import { DynamoDBOpaqueStore, DynamoDBStore, ensureTables } from "protosource-es/dynamodb";
import { CardQueries, type CardTypes, cardCommands } from "../gen/coffee/card/v1/card_protosource.js";
import { card } from "./card.js";

const client = new DynamoDBClient({});
await ensureTables(client);
const opaqueStore = new DynamoDBOpaqueStore(client);
const store = new DynamoDBStore(client, { opaqueStore });
const cards: Repository<CardTypes> = new Repository(card, store, { newId: () => crypto.randomUUID() });

const { id } = await cards.apply(cardCommands.Issue({ owner: "Ann" }), { actor: "barista" });
for (let coffee = 0; coffee < 10; coffee++) await cards.apply(cardCommands.Stamp({}), { id, actor: "barista" });
const { version, aggregate } = await cards.apply(cardCommands.Redeem({}), { id, actor: "barista" });
console.log(`${aggregate.owner} has ${aggregate.stamps} stamps left at version ${version}`);
const row = await new CardQueries(opaqueStore).get(id);
console.log(`The row says ${row?.stamps}`);
