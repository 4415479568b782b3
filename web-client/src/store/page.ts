/** What begins the page anew; tests put something else in its place. */
export const page = {
  reload(): void {
    location.reload();
  },
};
