import { css } from "lit";

/** What two people compare, and how it ended. */
export const verificationStyles = css`
  p {
    margin: 0 0 var(--space-4);
  }
  p[data-first]:focus,
  .working:focus,
  .end:focus {
    outline: none;
  }
  weft-qr-code,
  weft-qr-scanner {
    max-width: 320px;
    margin: 0 auto;
  }
  .emoji {
    display: flex;
    flex-wrap: wrap;
    justify-content: center;
    gap: var(--space-4) var(--space-2);
    margin: var(--space-5) 0;
    padding: 0;
    list-style: none;
  }
  .emoji li {
    display: grid;
    justify-items: center;
    gap: var(--space-1);
    width: 88px;
    line-height: 1.2;
    text-align: center;
  }
  .emoji li span:first-child {
    font-size: 2.5em;
    line-height: 1.15;
  }
  .emoji li span:last-child {
    font-size: 0.92em;
    overflow-wrap: anywhere;
  }
  .decimals {
    margin: var(--space-5) 0;
    font: 600 1.9em var(--mono);
    text-align: center;
    white-space: pre-wrap;
  }
  .end {
    display: grid;
    justify-items: center;
    gap: var(--space-3);
    padding: var(--space-3) 0;
    text-align: center;
  }
  .end .icon {
    color: var(--good);
    font-size: 2.6em;
  }
  .end.over .icon {
    color: var(--danger);
  }
  .end p {
    max-width: 38ch;
    margin: 0;
  }
  .end b {
    display: block;
    margin-bottom: var(--space-1);
    font-size: 1.1em;
  }
  .actions {
    display: flex;
    flex-wrap: wrap;
    justify-content: flex-end;
    gap: var(--space-2);
    margin-top: var(--space-5);
  }
  .actions.centred {
    justify-content: center;
  }
  .problem {
    padding: var(--space-2) var(--space-3);
    border-radius: var(--radius);
    background: var(--danger-soft);
    color: var(--danger);
  }
`;
