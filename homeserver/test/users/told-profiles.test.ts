import { expect, test } from "vitest";
import { parseLoose, type JsonObject } from "../../src/protocol/json.ts";
import { profileFrom } from "../../src/users/data/profile-fields.ts";

test.each([
  [
    '{"displayname":"Bob","avatar_url":"mxc://b/1"}',
    { displayname: "Bob", avatar_url: "mxc://b/1" },
  ],
  ['{"displayname":null,"avatar_url":null}', {}],
  ['{"displayname":5,"avatar_url":{"x":1}}', {}],
  ['{"displayname":["Bob"],"avatar_url":"https://b/1.png"}', {}],
  ['{"displayname":"a\\u0000b","avatar_url":"mxc://b/\\ud800"}', {}],
  ['{"displayname":"","m.tz":7,"m.tz2":1}', { "m.tz2": 1 }],
  [
    '{"m.tz":"Europe/Rome","org.example.x":{"a":[1,null]}}',
    { "m.tz": "Europe/Rome", "org.example.x": { a: [1, null] } },
  ],
  ['{"__proto__":{"x":1},"constructor":1,"Bad Key":1,"nodot":1}', {}],
  [`{"displayname":"Bob","org.example.x":"${"x".repeat(70_000)}"}`, { displayname: "Bob" }],
  [`{"displayname":"${"x".repeat(1025)}"}`, {}],
  [
    String.raw`{"a.half":"\ud800","a.deep":[[[[[{"\udc00":1}]]]]],"a.text":"\\ud800","a.pair":"\ud83d\ude00"}`,
    { "a.text": String.raw`\ud800`, "a.pair": "\u{1f600}" },
  ],
])("of the answer %s only a profile is left", (answer, left) => {
  expect(profileFrom(parseLoose(answer) as JsonObject)).toEqual(left);
});

test("numbers of custom fields stay as they were written", () => {
  const told = profileFrom(parseLoose('{"org.example.x":1.50}') as JsonObject);
  expect(JSON.stringify(told)).toBe('{"org.example.x":1.50}');
});
