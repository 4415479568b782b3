import { createECDH, createPublicKey, verify } from "node:crypto";
import { expect, test } from "vitest";
import {
  encryptForSubscriber,
  MAX_MESSAGE_BYTES,
  parseSubscriber,
  serverKeyOf,
  vapidHeader,
} from "../../src/protocol/push/web-push.ts";
import { decryptPush } from "../push/fake-push-server.ts";

const bytes = (text: string) => Buffer.from(text, "base64url");

test("encrypts as the example of RFC 8291 does", () => {
  const subscriber = parseSubscriber(
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "BTBZMqHH6r4Tts7J_aSIgg",
  )!;
  const random = {
    seed: bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
    salt: bytes("DGv6ra1nlYgDCS1FRnbzlw"),
  };
  const message = Buffer.from("When I grow up, I want to be a watermelon");
  expect(encryptForSubscriber(message, subscriber, random).toString("base64url")).toBe(
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS" +
      "6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
  );
});

test("the longest message fills a record of 4096 bytes", () => {
  const app = createECDH("prime256v1");
  const publicKey = app.generateKeys();
  const auth = Buffer.alloc(16, 7);
  const message = Buffer.alloc(MAX_MESSAGE_BYTES, "x");
  const random = { seed: Buffer.alloc(32, 3), salt: Buffer.alloc(16, 5) };
  const sent = encryptForSubscriber(message, { publicKey, auth }, random);
  expect(sent.length).toBe(4_096);
  expect(decryptPush(sent, app, auth).equals(message)).toBe(true);
});

test("a server's header is signed with its key", () => {
  const key = serverKeyOf(Buffer.alloc(32, 9));
  const claims = { origin: "https://push.test", contact: "https://here.test", expires: 123 };
  const [, signed, signature, point] =
    /^vapid t=([\w-]+\.[\w-]+)\.([\w-]+), k=([\w-]+)$/.exec(vapidHeader(key, claims)) ?? [];
  expect(point).toBe(key.publicKey);
  expect(JSON.parse(bytes(signed!.split(".")[1]!).toString())).toEqual({
    ...{ aud: "https://push.test", sub: "https://here.test", exp: 123 },
  });
  const raw = bytes(point!);
  const coordinate = (from: number) => raw.subarray(from, from + 32).toString("base64url");
  const jwk = { kty: "EC", crv: "P-256", x: coordinate(1), y: coordinate(33) };
  const publicKey = createPublicKey({ format: "jwk", key: jwk });
  const how = { key: publicKey, dsaEncoding: "ieee-p1363" } as const;
  expect(verify("sha256", Buffer.from(signed!), how, bytes(signature!))).toBe(true);
});

test.each([
  ["no point of the curve", Buffer.alloc(65, 4).toString("base64url"), "BTBZMqHH6r4Tts7J_aSIgg"],
  ["a short key", "BAAA", "BTBZMqHH6r4Tts7J_aSIgg"],
  ["a key of another type", 1, "BTBZMqHH6r4Tts7J_aSIgg"],
  ["no secret", serverKeyOf(Buffer.alloc(32, 9)).publicKey, undefined],
  ["a short secret", serverKeyOf(Buffer.alloc(32, 9)).publicKey, "BTBZ"],
  ["a secret with padding", serverKeyOf(Buffer.alloc(32, 9)).publicKey, "BTBZMqHH6r4Tts7J_aSIgg=="],
])("%s is no subscriber", (_what, pushkey, auth) => {
  expect(parseSubscriber(pushkey, auth)).toBeUndefined();
});
