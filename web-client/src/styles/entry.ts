import { css } from "lit";

/** The pages in front of the door: signing in and registering. */
export const entry = css`
  :host {
    display: block;
    height: 100%;
    overflow-y: auto;
    background: var(--side);
  }
  main {
    display: grid;
    min-height: 100%;
    place-items: center;
    padding: var(--space-5) var(--space-4);
  }
  .card {
    width: min(400px, 100%);
    padding: var(--space-6);
    border: 1px solid var(--line);
    border-radius: var(--radius-big);
    background: var(--paper);
  }
  .brand {
    display: flex;
    align-items: center;
    gap: var(--space-3);
    margin-bottom: var(--space-5);
    color: var(--text);
  }
  h1 {
    margin: 0;
    font-size: 1.4em;
    line-height: 1.2;
  }
  .brand p {
    margin: 0;
    color: var(--muted);
    font-size: 0.93em;
  }
  .button.primary {
    width: 100%;
    min-height: 44px;
    margin-top: var(--space-2);
  }
  .providers {
    display: grid;
    gap: var(--space-2);
    margin-top: var(--space-4);
  }
  .below {
    margin: var(--space-4) 0 0;
    text-align: center;
    color: var(--muted);
  }
  @media (max-width: 480px) {
    :host {
      background: var(--paper);
    }
    main {
      place-items: start center;
    }
    .card {
      padding: var(--space-4) 0;
      border: 0;
    }
  }
`;
