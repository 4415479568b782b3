import { css } from "lit";

export const richTextStyles = css`
  :host {
    display: block;
  }
  .text {
    overflow-wrap: anywhere;
    line-height: 1.45;
  }
  .plain {
    white-space: pre-wrap;
  }
  .big {
    font-size: 2.4em;
    line-height: 1.2;
  }
  .suffix {
    color: var(--muted);
    font-size: 0.8em;
  }
  .rich > :first-child {
    margin-top: 0;
  }
  .rich > :last-child {
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
  table {
    border-collapse: collapse;
  }
  th,
  td {
    padding: 3px var(--space-2);
    border: 1px solid var(--line);
  }
  a[href^="https://matrix.to/#/@"],
  a[href^="https://matrix.to/#/%40"] {
    padding: 1px 6px;
    border-radius: 10px;
    background: var(--accent-soft);
    text-decoration: none;
    font-weight: 550;
  }
  [data-mx-spoiler] {
    border-radius: 4px;
    background: var(--text);
    color: transparent;
    cursor: pointer;
  }
  [data-mx-spoiler]:not(.shown) * {
    visibility: hidden;
  }
  [data-mx-spoiler].shown {
    background: var(--hover);
    color: inherit;
  }
`;
