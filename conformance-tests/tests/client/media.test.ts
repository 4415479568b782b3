import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { createClient, unique } from "../../harness/client.ts";
import { must, mustBe401, mustBe404, mustEqual, mustSucceed } from "../../harness/must.ts";
import { registerUser } from "../../harness/users.ts";
import { png, upload } from "./files.ts";

clause(
  clientApi("get_matrixclientv1mediadownloadservernamemediaid"),
  "what is uploaded can be downloaded, byte for byte, by who has a token",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const bob = await registerUser(theSubject(), "bob");
    const bytes = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7) % 256));
    const path = await upload(alice, bytes, "application/x-weft", "wéft file.bin");
    mustEqual(path.serverName, theSubject().serverName, "the server in content_uri");
    const { headers, bytes: got } = await mustSucceed(bob.request("getContentAuthed", { path }));
    must(got.equals(bytes), "the bytes differ");
    must(
      headers["content-type"]?.startsWith("application/x-weft"),
      `Content-Type ${headers["content-type"]}`,
    );
    must(headers["content-disposition"]?.startsWith("attachment"), "it is not an attachment");
    must(
      headers["content-disposition"]?.toLowerCase().includes("utf-8''w%c3%a9ft%20file.bin"),
      `the file's name is not in ${headers["content-disposition"]}`,
    );
    must(headers["content-security-policy"], "no Content-Security-Policy");
    await mustBe401(
      createClient(theSubject()).request("getContentAuthed", { path }),
      "M_MISSING_TOKEN",
    );
  },
);

clause(
  clientApi("get_matrixclientv1mediadownloadservernamemediaidfilename"),
  "a name may be asked for, a picture may be shown in place",
  async () => {
    const alice = await registerUser(theSubject());
    const path = await upload(alice, png(4, 4), "image/png");
    const { headers } = await mustSucceed(
      alice.request("getContentOverrideNameAuthed", { path: { ...path, fileName: "chosen.png" } }),
    );
    must(headers["content-disposition"]?.startsWith("inline"), "a PNG is not shown inline");
    must(
      headers["content-disposition"]?.includes("chosen.png"),
      "the name is not the one asked for",
    );
  },
);

clause(
  clientApi("serving-inline-content"),
  "what a browser would run is never shown in place",
  async () => {
    const alice = await registerUser(theSubject());
    for (const type of ["text/html", "image/svg+xml", "application/javascript"]) {
      const path = await upload(alice, Buffer.from("<script>alert(1)</script>"), type);
      const { headers } = await mustSucceed(alice.request("getContentAuthed", { path }));
      must(!headers["content-disposition"]?.startsWith("inline"), `${type} is inline`);
      must(
        headers["content-security-policy"]?.includes("sandbox"),
        `${type}: the policy does not sandbox`,
      );
    }
  },
);

clause(clientApi("content-repository"), "media that is not there is M_NOT_FOUND", async () => {
  const alice = await registerUser(theSubject());
  const path = { serverName: theSubject().serverName, mediaId: unique("none") };
  await mustBe404(alice.request("getContentAuthed", { path }));
});

clause(
  clientApi("get_matrixclientv1mediaconfig"),
  "the upload limit is told, and held to",
  async () => {
    const alice = await registerUser(theSubject());
    const config = await alice.call("getConfigAuthed");
    const limit = config["m.upload.size"] ?? 0;
    must(limit > 1_000_000, `m.upload.size is ${limit}`);
    if (limit > 60_000_000) return;
    // A server may hang up on who goes on sending.
    const upload = alice.request("uploadContent", {
      raw: Buffer.alloc(limit + 1),
      headers: { "content-type": "application/octet-stream" },
    });
    const answer = await upload.catch((error: NodeJS.ErrnoException) => {
      must(error.code === "ECONNRESET" || error.code === "EPIPE", String(error));
    });
    if (answer === undefined) return;
    mustEqual(
      [answer.status, (answer.body as { errcode?: string }).errcode],
      [413, "M_TOO_LARGE"],
      "answer",
    );
  },
);

clause(
  clientApi("post_matrixmediav3upload"),
  "a file is taken whatever its type is said to be, and JSON goes through as it is",
  async () => {
    const alice = await registerUser(theSubject());
    for (const type of ["nonsense", "application/json", "text/plain; charset"]) {
      const bytes = Buffer.from('{"a": 1.50, "a": 2');
      const path = await upload(alice, bytes, type);
      const answer = await mustSucceed(alice.request("getContentAuthed", { path }));
      must(answer.bytes.equals(bytes), `${type}: the bytes differ`);
    }
  },
);
