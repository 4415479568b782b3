import { expect, test } from "vitest";
import { mediaIn } from "../../src/protocol/events/media-in.ts";

test.each([
  ['{"url":"mxc://a.test:8448/one"}', "a.test:8448"],
  ['{"body":"https://b.test/_matrix/media/v3/download/a.test%3A8448/one"}', "a.test:8448"],
  ['{"body":"/_matrix/client/v1/media/thumbnail/%5B::1%5d%3a8448/one?width=1"}', "[::1]:8448"],
])("%s names a file", (json, server) => {
  expect(mediaIn(json)).toEqual([{ server, mediaId: "one" }]);
});
