import { css } from "lit";

export const roomGateStyles = css`
  :host {
    display: grid;
    place-items: center;
    height: 100%;
    padding: var(--space-4);
    overflow-y: auto;
  }
  section {
    display: grid;
    justify-items: center;
    gap: var(--space-2);
    width: min(460px, 100%);
    text-align: center;
  }
  h1 {
    margin: var(--space-3) 0 0;
    font-size: 1.3em;
    overflow-wrap: anywhere;
  }
  p {
    max-width: 100%;
    margin: 0;
    color: var(--muted);
    overflow-wrap: anywhere;
  }
  .problem {
    margin: var(--space-2) 0 0;
    color: var(--danger);
  }
  .topic {
    margin-top: var(--space-2);
    color: var(--text);
  }
  blockquote {
    max-width: 100%;
    margin: var(--space-2) 0;
    padding: var(--space-2) var(--space-4);
    border-radius: var(--radius);
    background: var(--sunken);
    overflow-wrap: anywhere;
  }
  .choices {
    display: flex;
    flex-wrap: wrap;
    justify-content: center;
    gap: var(--space-2);
    margin-top: var(--space-4);
  }
  .asking {
    display: grid;
    gap: var(--space-2);
    width: 100%;
    margin-top: var(--space-3);
    text-align: start;
  }
  .asking .button {
    justify-self: center;
  }
`;
