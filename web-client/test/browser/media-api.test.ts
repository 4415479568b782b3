import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ApiError, NetworkError } from "../../src/api/errors.ts";
import { createHttp } from "../../src/api/http.ts";
import { createMediaApi, parseMxc } from "../../src/api/media.ts";
import { playServer, refusal } from "./server.ts";

/** A request that the test plays the server to. */
class PlayedRequest extends EventTarget {
  static all: PlayedRequest[] = [];
  readonly upload = new EventTarget();
  readonly headers: Record<string, string> = {};
  status = 0;
  responseText = "";
  opened = "";
  sent: unknown;

  constructor() {
    super();
    PlayedRequest.all.push(this);
  }
  open(method: string, address: string): void {
    this.opened = `${method} ${address}`;
  }
  setRequestHeader(name: string, value: string): void {
    this.headers[name] = value;
  }
  send(body: unknown): void {
    this.sent = body;
  }
  abort(): void {
    this.dispatchEvent(new Event("abort"));
  }
  progress(loaded: number, total: number): void {
    const lengthComputable = total > 0;
    this.upload.dispatchEvent(new ProgressEvent("progress", { lengthComputable, loaded, total }));
  }
  answer(status: number, text: string): void {
    this.status = status;
    this.responseText = text;
    this.dispatchEvent(new Event("load"));
  }
}

const tokens = { current: async () => "t", renew: async () => undefined };
const media = createMediaApi(createHttp("https://one", tokens));

beforeEach(() => {
  PlayedRequest.all = [];
  vi.stubGlobal("XMLHttpRequest", PlayedRequest);
});
afterEach(() => vi.unstubAllGlobals());

/** An upload that has been sent, and the request that it is. */
async function begin(file = new Blob(["hello"], { type: "text/plain" })) {
  const shares: number[] = [];
  const upload = media.upload(file, "notes & more.txt", (share) => shares.push(share));
  const [request] = PlayedRequest.all;
  await vi.waitFor(() => expect(request!.sent).toBe(file));
  return { upload, request: request!, shares };
}

describe("an upload", () => {
  test("goes with the token in a header, its name and its type", async () => {
    const { request, upload } = await begin();
    expect(request.opened).toBe(
      "POST https://one/_matrix/media/v3/upload?filename=notes+%26+more.txt",
    );
    expect(request.headers).toEqual({ Authorization: "Bearer t", "Content-Type": "text/plain" });
    request.answer(200, JSON.stringify({ content_uri: "mxc://one/a" }));
    expect(await upload.done).toBe("mxc://one/a");
  });

  test("of no known type is bytes", async () => {
    const { request } = await begin(new Blob(["x"]));
    expect(request.headers["Content-Type"]).toBe("application/octet-stream");
  });

  test("tells how much of it has been sent, where that can be told", async () => {
    const { request, shares } = await begin();
    request.progress(1, 4);
    request.progress(3, 0);
    request.progress(4, 4);
    expect(shares).toEqual([0.25, 1]);
  });

  test("that is cancelled ends as such", async () => {
    const { upload } = await begin();
    upload.cancel();
    await expect(upload.done).rejects.toMatchObject({ name: "AbortError" });
  });

  test("that is refused says why, also where the answer is no JSON", async () => {
    const large = await begin();
    large.request.answer(413, JSON.stringify({ errcode: "M_TOO_LARGE", error: "Too large" }));
    await expect(large.upload.done).rejects.toMatchObject({ status: 413, errcode: "M_TOO_LARGE" });
    PlayedRequest.all = [];
    const proxied = await begin();
    proxied.request.answer(502, "<html>");
    const error = await proxied.upload.done.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 502, errcode: "M_UNKNOWN" });
  });

  test("whose connection breaks says that", async () => {
    const { upload, request } = await begin();
    request.dispatchEvent(new Event("error"));
    await expect(upload.done).rejects.toThrow(NetworkError);
  });
});

describe("a file of the server", () => {
  test("comes with the token in a header, in the size that is wanted", async () => {
    const server = playServer({
      "GET /_matrix/client/v1/media/download/one/a": () => new Response("bytes"),
      "GET /_matrix/client/v1/media/thumbnail/one/a": () => new Response("small"),
    });
    const mxc = { serverName: "one", mediaId: "a" };
    expect(await (await media.download(mxc)).text()).toBe("bytes");
    const size = { width: 80, height: 60, method: "crop" as const };
    expect(await (await media.thumbnail(mxc, size)).text()).toBe("small");
    expect(server.asked.map(({ token }) => token)).toEqual(["t", "t"]);
    server.stop();
  });

  test("that is not there, or whose transfer breaks, is told apart", async () => {
    const broken = () =>
      new Response(new ReadableStream({ start: (stream) => stream.error(new Error("cut")) }));
    const server = playServer({
      "GET /_matrix/client/v1/media/download/one/none": () =>
        refusal(404, { errcode: "M_NOT_FOUND" }),
      "GET /_matrix/client/v1/media/download/one/cut": broken,
    });
    const load = (mediaId: string) => media.download({ serverName: "one", mediaId });
    await expect(load("none")).rejects.toMatchObject({ errcode: "M_NOT_FOUND" });
    await expect(load("cut")).rejects.toThrow(NetworkError);
    server.stop();
  });

  test("may be as large as the server says, if it says so", async () => {
    const sizes: unknown[] = [{ "m.upload.size": 1000 }, {}, { "m.upload.size": "much" }];
    const server = playServer({ "GET /_matrix/client/v1/media/config": () => sizes.shift() });
    const limits = [];
    for (let count = 0; count < 3; count++) limits.push(await media.uploadLimit());
    expect(limits).toEqual([1000, undefined, undefined]);
    server.stop();
  });
});

test.each([
  ["mxc://one/abc-_9", { serverName: "one", mediaId: "abc-_9" }],
  ["mxc://one:8448/a", { serverName: "one:8448", mediaId: "a" }],
  ["mxc://one/a?x", undefined],
  ["mxc://o ne/a", undefined],
  ["mxc:///a", undefined],
  [undefined, undefined],
])("the address %s is %j", (address, parts) => {
  expect(parseMxc(address)).toEqual(parts);
});
