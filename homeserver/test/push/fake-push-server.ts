/** A push server, and the app behind it that can read what comes. */
import { createDecipheriv, createECDH, type ECDH, hkdfSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { Body } from "../support/user.ts";

/** Reads one record as RFC 8291 says. */
export function decryptPush(body: Buffer, app: ECDH, auth: Buffer): Buffer {
  const salt = body.subarray(0, 16);
  const sender = body.subarray(21, 21 + body[20]!);
  const sealed = body.subarray(21 + sender.length, -16);
  const derive = (from: Uint8Array, mix: Uint8Array, info: Uint8Array, length: number) =>
    Buffer.from(hkdfSync("sha256", from, mix, info, length));
  const label = (text: string) => Buffer.from(`${text}\0`);
  const info = Buffer.concat([label("WebPush: info"), app.getPublicKey(), sender]);
  const secret = derive(app.computeSecret(sender), auth, info, 32);
  const key = derive(secret, salt, label("Content-Encoding: aes128gcm"), 16);
  const nonce = derive(secret, salt, label("Content-Encoding: nonce"), 12);
  const cipher = createDecipheriv("aes-128-gcm", key, nonce);
  cipher.setAuthTag(body.subarray(-16));
  const plain = Buffer.concat([cipher.update(sealed), cipher.final()]);
  return plain.subarray(0, plain.lastIndexOf(2));
}

export async function startPushServer() {
  const app = createECDH("prime256v1");
  const pushkey = app.generateKeys("base64url");
  const auth = randomBytes(16);
  const told: Body[] = [];
  const headers: IncomingHttpHeaders[] = [];
  let status = 201;
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      headers.push(request.headers);
      if (status < 300) told.push(JSON.parse(decryptPush(body, app, auth).toString()));
      response.writeHead(status).end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    pushkey,
    data: {
      url: `http://127.0.0.1:${port}/a/subscription?of=somebody`,
      auth: auth.toString("base64url"),
    },
    told,
    headers,
    answer: (next: number) => void (status = next),
    async stop() {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}
