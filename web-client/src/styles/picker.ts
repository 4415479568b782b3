import { css } from "lit";

export const pickerStyles = css`
  :host {
    --cell: 38px;
    display: flex;
    flex-direction: column;
    width: min(366px, calc(100vw - 16px));
    height: min(420px, calc(100dvh - 16px));
    border: 1px solid var(--line);
    border-radius: var(--radius-big);
    background: var(--raised);
    color: var(--text);
    box-shadow: var(--shadow);
    overflow: hidden;
  }
  .head {
    display: flex;
    align-items: center;
    gap: var(--space-1);
    padding: var(--space-2) var(--space-2) var(--space-1);
  }
  .head input {
    flex: 1;
    min-width: 0;
    min-height: 36px;
  }
  .modes {
    display: flex;
    gap: var(--space-1);
    padding: var(--space-2) var(--space-2) 0;
  }
  .modes button {
    flex: 1;
    min-height: 32px;
    border: 0;
    border-radius: var(--radius);
    background: none;
    color: var(--muted);
    font-weight: 550;
  }
  .modes button:hover {
    background: var(--hover);
  }
  .modes [aria-pressed="true"] {
    background: var(--accent-soft);
    color: var(--accent);
  }
  .ways {
    display: flex;
    padding: 0 var(--space-2) var(--space-1);
    border-bottom: 1px solid var(--line);
    overflow-x: auto;
    scrollbar-width: none;
  }
  .ways button {
    display: grid;
    flex: 1 0 30px;
    place-items: center;
    height: 32px;
    padding: 0;
    border: 0;
    border-radius: 6px;
    background: none;
    font-size: 1.05em;
  }
  .ways button:hover {
    background: var(--hover);
  }
  .ways [aria-checked="true"] {
    background: var(--marked);
  }
  .list {
    flex: 1;
    min-height: 0;
    padding: 0 var(--space-2) var(--space-2);
  }
  .name {
    position: sticky;
    z-index: 1;
    top: 0;
    padding: 6px var(--space-1) 4px;
    background: var(--raised);
    color: var(--muted);
    font-size: 0.84em;
    font-weight: 600;
  }
  .group {
    content-visibility: auto;
  }
  .cells {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(var(--cell), 1fr));
  }
  [role="option"] {
    display: grid;
    place-items: center;
    height: var(--cell);
    border-radius: var(--radius);
    font-size: 1.5rem;
    line-height: 1;
    cursor: pointer;
    user-select: none;
  }
  [role="option"][aria-selected="true"] {
    background: var(--accent-soft);
    outline: 2px solid var(--accent);
    outline-offset: -2px;
  }
  [role="option"]:hover {
    background: var(--hover);
  }
  .stickers {
    --cell: 84px;
  }
  .stickers weft-emoticon {
    width: 72px;
    height: 72px;
  }
  [role="option"] weft-emoticon {
    width: 30px;
    height: 30px;
  }
  .stickers [role="option"] weft-emoticon {
    width: 72px;
    height: 72px;
  }
  .none {
    margin: var(--space-5) var(--space-3);
    color: var(--muted);
    text-align: center;
  }
  .foot {
    display: flex;
    align-items: center;
    gap: var(--space-3);
    min-height: 44px;
    padding: var(--space-1) var(--space-3);
    border-top: 1px solid var(--line);
    color: var(--muted);
    font-size: 0.9em;
  }
  .foot .sign {
    color: var(--text);
    font-size: 1.5rem;
    line-height: 1;
  }
  .foot .about {
    display: grid;
    min-width: 0;
    line-height: 1.25;
  }
  .foot b {
    color: var(--text);
    font-weight: 550;
  }
  .code {
    font-size: 0.9em;
  }
`;
