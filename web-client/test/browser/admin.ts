import type { Client } from "../../src/store/client.ts";
import { createTestClient } from "./support.ts";

type Options = {
  path?: Record<string, string>;
  query?: Record<string, unknown>;
  body?: Record<string, unknown>;
};
type Answer = (options: Options) => unknown;

export interface Asked extends Options {
  what: string;
}

/** A client of an administrator: the operations of administrators answer from a table, by method and path. */
export function createAdminClient(answers: Record<string, Answer>): {
  client: Client;
  asked: Asked[];
} {
  const asked: Asked[] = [];
  const { client } = createTestClient({ "account.mayAdminister": () => true });
  const http = {
    call(method: string, path: string, options: Options) {
      const what = `${method} ${path.replace(/^\/_(synapse|weft)\/admin/, "")}`;
      asked.push({ what, ...options });
      const answer = answers[what];
      return new Promise((resolve, reject) => {
        if (answer === undefined) reject(new Error(`${what} is not played`));
        else resolve(answer(options));
      });
    },
  };
  return { client: { ...client, api: { ...client.api, http } as unknown as Client["api"] }, asked };
}
