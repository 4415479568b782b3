import { css } from "lit";

export const settingsDevicesStyles = css`
  ul {
    margin: 0 0 var(--space-4);
    padding: 0;
    list-style: none;
  }
  li {
    display: flex;
    align-items: center;
    gap: var(--space-3);
    padding: var(--space-3) 0;
    border-bottom: 1px solid var(--line);
  }
  .about {
    display: grid;
    flex: 1;
    min-width: 0;
  }
  .name {
    display: flex;
    align-items: baseline;
    gap: var(--space-2);
    min-width: 0;
    font-weight: 550;
  }
  .here {
    flex: none;
    padding: 0 var(--space-2);
    border-radius: 10px;
    background: var(--accent-soft);
    color: var(--accent);
    font-size: 0.8em;
    font-weight: 600;
  }
  .more {
    display: flex;
    flex-wrap: wrap;
    color: var(--muted);
    font-size: 0.87em;
  }
  .more > * + *::before {
    content: "·";
    margin: 0 var(--space-2);
  }
  .sign {
    color: var(--muted);
  }
  .sign.good,
  .more .good {
    color: var(--good);
  }
  .sign.bad,
  .more .bad {
    color: var(--highlight);
  }
`;
