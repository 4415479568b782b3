/** What strangers may send to harm, deceive or exhaust a client. `window.hit` is set by whatever of it should ever run. */

type Content = Record<string, unknown>;

const HIT = "window.hit=1";
const EVIL = "https://evil.example";

/** Words for every place that holds a name or a line of text. */
export const NAMES: readonly string[] = [
  `<script>${HIT}</script>`,
  `<img src=x onerror="${HIT}">`,
  `"><svg onload=${HIT}>`,
  `javascript:${HIT}`,
  "{{7*7}} <%= 7*7 %> #{7*7}",
  "holiday\u202Egpj.exe",
  "\u2066\u2067\u2068left open",
  "ad\u200bmin\u200d\ufeff\u00ad\u2060",
  "\u200b\u2066\u2069\u3164\u2800",
  `z${"\u0301\u0327\u0488".repeat(80)}`,
  "W".repeat(250),
  "\ufdfd".repeat(60),
  "مرحبا ".repeat(30),
  "👨‍👩‍👧‍👦".repeat(20),
  "one\ntwo\r\nthree\tfour\u2028five",
  "__proto__",
  "constructor",
  "   ",
];

const nested = (open: string, times: number): string => open.repeat(times);

/** HTML for the bodies of messages. */
const MARKUP: readonly string[] = [
  `<script>${HIT}</script><style>*{background:url(${EVIL}/s)}</style>`,
  `<img src="${EVIL}/p.png"><img src=x onerror=${HIT}><video src="${EVIL}/v" autoplay></video>`,
  `<iframe src="${EVIL}"></iframe><object data="${EVIL}"></object><embed src="${EVIL}">`,
  `<math><mtext><table><mglyph><style><img src=x onerror=${HIT}>`,
  `<form action="${EVIL}"><input name=q autofocus onfocus=${HIT}><button>go</button></form>`,
  `<a href="javascript:${HIT}">one</a> <a href="data:text/html,<script>${HIT}</script>">two</a>`,
  `<a href="https://matrix.to/#/@admin:evil.example">https://bank.example</a>`,
  `<link rel=stylesheet href="${EVIL}/l.css"><meta http-equiv=refresh content="0;url=${EVIL}"><base href="${EVIL}">`,
  `<p style="position:fixed;inset:0;background:url(${EVIL}/f)">over all</p>`,
  `<div id="offers" name="cookie" class="scroller">clobber</div><weft-app></weft-app>`,
  nested("<div>", 5_000),
  nested("<blockquote>", 90) + "deep",
  nested("<ul><li>", 90) + "deep",
  nested("<span data-mx-spoiler>", 90) + "deep",
  `<table><tr>${"<td>cell</td>".repeat(300)}</tr></table>`,
  `<table>${"<tr><td>row</td></tr>".repeat(900)}</table>`,
  `<img src="mxc://localhost/none" width="99999" height="99999" alt="huge">`,
  `<pre><code class="language-js">${"const a = 1;\n".repeat(2_000)}</code></pre>`,
  `<pre><code>${"x".repeat(20_000)}</code></pre>`,
  `<ol start="-99999999"><li>low</li></ol><h1>${"HUGE ".repeat(400)}</h1>`,
  `<span data-mx-maths="\\def\\a{\\a\\a}\\a">x</span><div data-mx-maths="${"{".repeat(3_000)}">y</div>`,
  `<span data-mx-color="red;background:url(${EVIL}/c)">c</span><font color="expression(${HIT})">d</font>`,
  `<bdo dir=rtl>turned</bdo> \u202Eturned too`,
];

/** Plain bodies. */
const BODIES: readonly string[] = [
  ".".repeat(60_000),
  "words and words ".repeat(3_125),
  "line\n".repeat(10_000),
  `https://evil.example/${"a".repeat(20_000)}`,
  "\u200b".repeat(3_000),
  "\u202E".repeat(300) + "turned",
  "a\u0300".repeat(8_000),
  "> ".repeat(5_000),
  "*".repeat(20_000),
  "@room ".repeat(2_000),
];

/** Contents of messages of every kind. */
export function messages(media: string): Content[] {
  const file = (msgtype: string, name: string, info: Content = {}): Content => ({
    msgtype,
    body: name,
    filename: name,
    url: media,
    info,
  });
  const html = (formatted_body: string): Content => ({
    msgtype: "m.text",
    body: "as html",
    format: "org.matrix.custom.html",
    formatted_body,
  });
  return [
    ...MARKUP.map(html),
    ...BODIES.map((body) => ({ msgtype: "m.text", body })),
    ...NAMES.map((name) => ({ msgtype: "m.emote", body: name })),
    ...NAMES.map((name) => file("m.file", name, { size: -1, mimetype: "text/html" })),
    file("m.image", "huge.png", { w: 9_000_000, h: 9_000_000, mimetype: "image/png" }),
    file("m.image", "line.png", { w: 1, h: 9_000_000, mimetype: "image/svg+xml" }),
    file("m.image", "none.png", { w: -5, h: 0 }),
    file("m.video", "v.mp4", { w: 9_000_000, h: 1, duration: -1 }),
    {
      ...file("m.audio", "a.ogg"),
      "org.matrix.msc1767.audio": { waveform: Array(5_000).fill(1024) },
    },
    { ...file("m.image", "elsewhere.png"), url: `${EVIL}/image.png` },
    { ...file("m.file", "../../etc/passwd"), url: `javascript:${HIT}` },
    { msgtype: "m.location", body: "here", geo_uri: `javascript:${HIT}` },
    { msgtype: "m.location", body: "here", geo_uri: "geo:999,-999;u=1e99" },
    { msgtype: "evil.unknown", body: "unknown kind" },
    { msgtype: 5, body: { a: 1 } },
    { msgtype: "m.text", body: ["a"], format: "org.matrix.custom.html", formatted_body: 7 },
    { msgtype: "m.text", body: "related", "m.relates_to": { "m.in_reply_to": { event_id: 7 } } },
    { msgtype: "m.text", body: "mentions", "m.mentions": { user_ids: "all", room: "yes" } },
  ];
}

/** Polls, stickers and what is like them: type and content. */
export function others(media: string): [type: string, content: Content][] {
  return [
    ...NAMES.map((name): [string, Content] => [
      "m.poll.start",
      {
        "m.text": [{ body: name }],
        "m.poll": {
          question: { "m.text": [{ body: name }] },
          kind: "m.disclosed",
          max_selections: 1e9,
          answers: [name, name].map((text, at) => ({
            "m.id": `${at}`,
            "m.text": [{ body: text }],
          })),
        },
      },
    ]),
    ...NAMES.map((body): [string, Content] => [
      "m.sticker",
      { body, url: media, info: { w: 90_000, h: 90_000, mimetype: "image/png" } },
    ]),
    ["m.sticker", { body: "elsewhere", url: `${EVIL}/sticker.png`, info: {} }],
    ["m.poll.start", { "m.poll": { question: [], answers: "none" } }],
  ];
}
