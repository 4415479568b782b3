import { css } from "lit";

export const richTextStyles = css`
  :host {
    display: block;
  }
  .text {
    overflow-wrap: anywhere;
    line-height: 1.45;
  }
  .plain .words {
    white-space: pre-wrap;
  }
  /* What a stranger's letters turn around ends with them. */
  .words {
    unicode-bidi: isolate;
  }
  .acted .words,
  .acted .words > p:first-child {
    display: inline;
  }
  .emote {
    font-weight: 600;
  }
  .words :is(p, li, h1, h2, h3, h4, h5, h6, td, th) {
    unicode-bidi: plaintext;
    text-align: start;
  }
  .fold {
    padding: var(--space-1) 0;
    border: 0;
    background: none;
    color: var(--accent);
    font: inherit;
    font-weight: 550;
    cursor: pointer;
  }
  .host {
    color: var(--highlight);
    font-size: 0.9em;
    unicode-bidi: isolate;
  }
  .big {
    font-size: 2.4em;
    line-height: 1.2;
  }
  .suffix {
    color: var(--muted);
    font-size: 0.8em;
  }
  .rich .words > :first-child {
    margin-top: 0;
  }
  .rich .words > :last-child {
    margin-bottom: 0;
  }
  p,
  ul,
  ol,
  pre,
  blockquote,
  table {
    margin: 0.4em 0;
  }
  h1,
  h2,
  h3,
  h4,
  h5,
  h6 {
    margin: 0.5em 0 0.3em;
    font-size: 1.12em;
    line-height: 1.3;
  }
  h1 {
    font-size: 1.3em;
  }
  ul,
  ol {
    padding-left: 1.6em;
  }
  code {
    padding: 0.1em 0.35em;
    border-radius: 4px;
    background: color-mix(in oklab, var(--paper), var(--text) 8%);
    font: 0.92em var(--mono);
  }
  pre {
    max-height: 420px;
    padding: var(--space-3);
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--sunken);
    overflow: auto;
    scrollbar-width: thin;
  }
  pre code {
    padding: 0;
    background: none;
    white-space: pre;
    overflow-wrap: normal;
  }
  blockquote {
    padding-left: var(--space-3);
    border-left: 3px solid var(--line-strong);
    color: var(--muted);
  }
  img {
    max-width: min(100%, 400px);
    max-height: 300px;
    vertical-align: middle;
  }
  img[data-mx-emoticon] {
    width: auto;
    height: 1.6em;
  }
  .wide {
    max-width: 100%;
    margin: 0.4em 0;
    overflow-x: auto;
    scrollbar-width: thin;
  }
  table {
    margin: 0;
    border-collapse: collapse;
    overflow-wrap: normal;
  }
  th,
  td {
    min-width: 3em;
    max-width: 24em;
    padding: 3px var(--space-2);
    border: 1px solid var(--line);
    overflow-wrap: break-word;
  }
  a.pill {
    display: inline-block;
    max-width: min(100%, 20em);
    padding: 0 6px;
    border-radius: 10px;
    background: var(--accent-soft);
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
    text-decoration: none;
    font-weight: 550;
    vertical-align: bottom;
    unicode-bidi: isolate;
  }
  a.pill.self {
    background: var(--highlight);
    color: var(--paper);
  }
  .code {
    position: relative;
    margin: 0.4em 0;
  }
  .code pre {
    margin: 0;
  }
  .copy {
    position: absolute;
    top: 6px;
    right: 6px;
    padding: 2px 8px;
    border: 1px solid var(--line);
    border-radius: 6px;
    background: var(--raised);
    color: var(--muted);
    font: 0.82em var(--font);
    opacity: 0;
    cursor: pointer;
    user-select: none;
  }
  .code:hover .copy,
  .code:focus-within .copy {
    opacity: 1;
  }
  @media (hover: none) {
    .copy {
      opacity: 1;
    }
  }
  .hljs-comment,
  .hljs-quote {
    color: var(--muted);
    font-style: italic;
  }
  .hljs-keyword,
  .hljs-selector-tag,
  .hljs-literal,
  .hljs-type {
    color: var(--hue-2);
  }
  .hljs-string,
  .hljs-regexp,
  .hljs-addition,
  .hljs-attribute {
    color: var(--hue-3);
  }
  .hljs-number,
  .hljs-symbol,
  .hljs-meta,
  .hljs-deletion {
    color: var(--hue-0);
  }
  .hljs-title,
  .hljs-section,
  .hljs-name,
  .hljs-selector-id,
  .hljs-selector-class {
    color: var(--hue-5);
  }
  .hljs-built_in,
  .hljs-variable,
  .hljs-attr,
  .hljs-property {
    color: var(--hue-1);
  }
  math {
    font-size: 1.1em;
  }
  div[data-mx-maths] {
    max-width: 100%;
    margin: 0.4em 0;
    overflow-x: auto;
  }
  [data-mx-spoiler]:not(.shown) {
    border-radius: 4px;
    background: color-mix(in oklab, var(--muted), var(--paper) 20%);
    cursor: pointer;
  }
  [data-mx-spoiler]:not(.shown) .hidden-words {
    visibility: hidden;
  }
  [data-mx-spoiler].shown {
    border-radius: 4px;
    background: var(--marked);
  }
`;
