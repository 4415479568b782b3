import { operations } from "@weft/spec/operations";
import type { FastifyReply, FastifyRequest } from "fastify";
import { expect, test } from "vitest";
import { createBodyReader } from "../../src/http/body/body.ts";
import { createBodyCollector } from "../../src/http/body/collect-body.ts";
import { takeBody } from "../../src/http/body/take-body.ts";

test("a request without body and claim goes on at once, without a promise", async () => {
  const reader = createBodyReader();
  const tools = { reader, collector: createBodyCollector() };
  const told: unknown[] = [];
  const hook = (id: keyof typeof operations, request: object) =>
    takeBody(operations[id], tools)(
      {
        headers: {},
        params: {},
        found: { ip: "192.0.2.1" },
        ...request,
      } as unknown as FastifyRequest,
      {} as FastifyReply,
      (error) => told.push(error),
    );
  hook("sync", {});
  expect(told).toEqual([undefined]);
  // So do one that may leave its body out, and one that may not.
  hook("joinRoom", {});
  expect(told).toHaveLength(2);
  hook("login", {});
  expect(told[2]).toMatchObject({ errcode: "M_NOT_JSON" });
  await reader.close();
});
