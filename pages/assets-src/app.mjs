// The components whose behaviour the pages use. Every page works without them.
import { Button, ErrorSummary, Radios, ServiceNavigation, SkipLink, createAll } from "govuk-frontend";

for (const component of [Button, ErrorSummary, Radios, ServiceNavigation, SkipLink]) {
  createAll(component);
}

// While people must decide, the page looks whether they have, and says that it
// does: every 15 seconds, for 10 minutes, not counting those out of sight. When
// they have, its address redirects, which is left for the browser to follow.
const waiting = document.querySelector('[data-module="waiting"]');
if (waiting) {
  waiting.hidden = false;
  let left = 40;
  const timer = setInterval(async () => {
    if (document.hidden) return;
    if (left-- === 0) {
      clearInterval(timer);
      waiting.hidden = true;
      return;
    }
    const answer = await fetch(location.href, { redirect: "manual" }).catch(() => ({})); // no network is no answer yet
    if (answer.type === "opaqueredirect") location.reload();
  }, 15000);
}
