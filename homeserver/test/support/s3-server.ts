import { rm } from "node:fs/promises";
import {
  createServer,
  type IncomingMessage,
  request as send,
  type Server,
  type ServerResponse,
} from "node:http";
import { once } from "node:events";
import { buffer } from "node:stream/consumers";
import S3rver from "@20minutes/s3rver";
import { makeTemporaryFolder } from "../../src/storage/temporary-folder.ts";
import { readAll, textsOf } from "../../src/media/store/s3-answers.ts";
import { createS3Client, type S3Settings } from "../../src/media/store/s3-client.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { freePorts } from "./ports.ts";

export interface TestBucket {
  readonly settings: S3Settings;
  /** Names of the objects. */
  names(): Promise<string[]>;
  /** "METHOD path?query" of each request that came. */
  readonly requests: string[];
  /**
   * Answers for requests instead of the store's: a status, XML, or { cut: true } for none; undefined:
   * the store's.
   */
  fault: ((request: string) => Fault | Promise<Fault>) | undefined;
  close(): Promise<void>;
}

type Fault = number | string | { readonly cut: true } | undefined;

interface Store {
  readonly port: number;
  readonly bucket: string;
  readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string };
  close(): Promise<void>;
}

/**
 * A bucket, in s3rver (which checks signatures), or in the store on this machine that WEFT_TEST_S3
 * names as key:secret@port/bucket; in front of it a proxy by which it fails.
 */
export async function startBucket(): Promise<TestBucket> {
  const store = await openStore(process.env["WEFT_TEST_S3"]);
  const [port] = await freePorts(1);
  const requests: string[] = [];
  const settings: S3Settings = {
    ...{ endpoint: new URL(`http://127.0.0.1:${port}`), region: "us-east-1" },
    ...{ bucket: store.bucket, pathStyle: true, prefix: `pre${process.pid}/` },
    credentials: () => store.keys,
  };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const said = `${request.method} ${request.url}`;
    requests.push(said);
    // All of it is here before anything goes wrong: then whoever sent it may be gone.
    const body = await buffer(request);
    const fault = await bucket.fault?.(said);
    if (typeof fault === "object") return void request.socket.destroy();
    if (typeof fault === "string") return void response.writeHead(200).end(fault);
    if (fault !== undefined) {
      const told = "<Error><Code>Made</Code><Message>up</Message></Error>";
      return void response.writeHead(fault).end(request.method === "HEAD" ? "" : told);
    }
    const { method, url: path, headers } = request;
    const onward = send({ port: store.port, host: "127.0.0.1", method, path, headers });
    onward.on("response", (told) => {
      response.writeHead(told.statusCode!, told.rawHeaders);
      told.pipe(response);
    });
    onward.on("error", () => response.destroy());
    onward.end(body);
  };
  const front: Server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  front.listen(port, "127.0.0.1");
  await once(front, "listening");
  const client = createS3Client(settings, systemClock);
  const bucket: TestBucket = {
    ...{ settings, requests, fault: undefined },
    async names() {
      const query = { "list-type": "2", prefix: settings.prefix };
      const answer = await client.send({ method: "GET", query });
      const found = textsOf(await readAll(answer.body), ["Key"]);
      return found.map(({ text }) => text).sort();
    },
    async close() {
      await client.close();
      front.closeAllConnections();
      front.close();
      await store.close();
    },
  };
  return bucket;
}

async function openStore(given: string | undefined): Promise<Store> {
  if (given !== undefined) {
    const [, id = "", secret = "", port, bucket = ""] = /^(.+?):(.+)@(\d+)\/(.+)$/.exec(given)!;
    const keys = { accessKeyId: id, secretAccessKey: secret };
    return { port: Number(port), bucket, keys, close: async () => {} };
  }
  const directory = makeTemporaryFolder("weft-s3-");
  const [port] = await freePorts(1);
  const bucket = "weft-test";
  const server = new S3rver({
    ...{ port: port!, address: "127.0.0.1", silent: true, directory },
    configureBuckets: [{ name: bucket }],
  });
  await server.run();
  return {
    ...{ port: port!, bucket },
    keys: { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" },
    async close() {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
