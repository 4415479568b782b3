import { css } from "lit";

/** Windows about encryption: a sign at the top, words, and choices as rows. */
export const encryptionStyles = css`
  .lead {
    display: flex;
    align-items: flex-start;
    gap: var(--space-3);
    margin-bottom: var(--space-4);
  }
  .lead .icon {
    padding: var(--space-2);
    border-radius: var(--radius);
    background: var(--accent-soft);
    color: var(--accent);
  }
  .lead.warning .icon {
    background: var(--danger-soft);
    color: var(--danger);
  }
  .lead p {
    margin: 0;
  }
  .lead p + p {
    margin-top: var(--space-2);
  }
  .lead:focus {
    outline: none;
  }
  fieldset {
    display: grid;
    gap: var(--space-2);
    margin: 0 0 var(--space-4);
    padding: 0;
    border: 0;
  }
  .card {
    display: flex;
    align-items: center;
    gap: var(--space-3);
    width: 100%;
    margin: 0;
    padding: var(--space-3);
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--raised);
    font-weight: 400;
    font-size: 1em;
    text-align: start;
    cursor: pointer;
  }
  .card:hover {
    border-color: var(--line-strong);
  }
  .card:has(input:checked) {
    border-color: var(--accent);
    background: var(--accent-soft);
  }
  .card > .icon {
    color: var(--accent);
  }
  .card b {
    display: block;
    font-weight: 600;
  }
  .card small {
    display: block;
    color: var(--muted);
    font-size: 0.88em;
    line-height: 1.35;
  }
  .card + .card {
    margin-top: var(--space-2);
  }
  fieldset .card + .card {
    margin-top: 0;
  }
  .losses {
    margin: 0 0 var(--space-4);
    padding-left: 1.3em;
  }
  .losses li + li {
    margin-top: var(--space-1);
  }
  .working {
    display: flex;
    align-items: center;
    gap: var(--space-3);
    min-height: 80px;
    color: var(--muted);
  }
  .spinner {
    flex: none;
    width: 20px;
    height: 20px;
    border: 2px solid var(--line);
    border-top-color: var(--accent);
    border-radius: 50%;
    animation: spin 0.9s linear infinite;
  }
  @keyframes spin {
    to {
      transform: rotate(360deg);
    }
  }
  .actions .start {
    margin-right: auto;
    padding-inline: 0;
  }
`;
