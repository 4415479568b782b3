import { expect, test } from "vitest";
import { examine, readCatalogue, readSource } from "../../words.ts";

function said(source: string) {
  const keys = new Map<string, { place: string; english: string }>();
  const problems: string[] = [];
  readSource("x.ts", source, keys, problems);
  return { keys, problems };
}

test("words are found as they are written, with numbers for their values", () => {
  const { keys, problems } = said(`
    const a = () => msg("Open");
    function b() { return msg(str\`\${who} invited \${whom}\`); }
    class C { d = msg("Held by each"); }
    const e = () => msg("One " + "sentence");
    const f = () => msg("Open", { id: "Open (not closed)" });
  `);
  expect([...keys.keys()]).toEqual([
    "Open",
    "{0} invited {1}",
    "Held by each",
    "One sentence",
    "Open (not closed)",
  ]);
  expect(problems).toEqual([]);
});

test.each([
  ["a value that nobody knows beforehand", "const a = () => msg(label);"],
  ["markup", "const a = () => msg(html`<b>x</b>`);"],
  ["braces", 'const a = () => msg("{0}");'],
  ["a place outside every function", 'const a = msg("Too early");'],
  ["a place in the class itself", 'class A { static a = msg("Too early"); }'],
  ["a computed name", 'const a = () => msg("Open", { id: name });'],
])("%s is refused, with its place", (_, source) => {
  const { keys, problems } = said(source);
  expect(keys.size).toBe(0);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain("x.ts:1");
});

test("what is missing, left over, or has other values is said", () => {
  const { keys } = said('const a = () => [msg("A"), msg("B"), msg(str`C ${1}`)];');
  expect(examine(keys, new Map(Object.entries({ A: "Ä", B: "Bé", "C {0}": "{0} Z" })))).toEqual([]);
  const found = examine(keys, new Map(Object.entries({ A: "", "C {0}": "Z", D: "weg" })));
  expect(found.map((each) => each.split(":")[0])).toEqual([
    "missing",
    "missing",
    "not the same values {0}, {1} … as the English",
    "no longer used",
  ]);
});

test("a catalogue amid a merge keeps both sides, and no translation gives way to an empty line", () => {
  const text = `{
<<<<<<< ours
  "A": "Ä",
  "B": ""
=======
  "B": "Bé",
>>>>>>> theirs
  "A": "",
  "“C”": "„C“, \\"c\\""
}
`;
  expect(Object.fromEntries(readCatalogue(text))).toEqual({ A: "Ä", B: "Bé", "“C”": '„C“, "c"' });
});
