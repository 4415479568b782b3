import { css } from "lit";

/** Work in the background, with how far it is. */
export const workStyles = css`
  .works {
    display: grid;
    gap: var(--space-3);
    margin: 0 0 var(--space-5);
    padding: 0;
    list-style: none;
  }
  .work {
    display: grid;
    gap: var(--space-2);
    padding: var(--space-3) var(--space-4);
    border: 1px solid var(--line);
    border-radius: var(--radius-big);
    background: var(--raised);
  }
  .work .head {
    display: flex;
    flex-wrap: wrap;
    align-items: baseline;
    gap: var(--space-1) var(--space-3);
  }
  .work h3 {
    margin: 0;
    font-size: 1em;
    font-weight: 600;
  }
  .work .acts {
    margin-bottom: 0;
  }
  .work .subject {
    flex: 1 1 16ch;
    min-width: 0;
    overflow-wrap: anywhere;
  }
  .progress {
    display: grid;
    gap: var(--space-1);
  }
  progress {
    width: 100%;
    height: 6px;
    border: 0;
    border-radius: 3px;
    background: var(--sunken);
    accent-color: var(--accent);
    appearance: none;
    overflow: hidden;
  }
  progress::-webkit-progress-bar {
    background: var(--sunken);
  }
  progress::-webkit-progress-value {
    border-radius: 3px;
    background: var(--accent);
  }
  progress::-moz-progress-bar {
    background: var(--accent);
  }
  progress:indeterminate {
    background: linear-gradient(90deg, transparent 0 35%, var(--accent) 35% 65%, transparent 65%)
      0 / 200% 100% var(--sunken);
    animation: along 1.8s linear infinite;
  }
  progress:indeterminate::-webkit-progress-bar {
    background: none;
  }
  progress:indeterminate::-moz-progress-bar {
    background: none;
  }
  @keyframes along {
    from {
      background-position: 150% 0;
    }
    to {
      background-position: -50% 0;
    }
  }
`;
