// The components whose behaviour the pages use. Every page works without them.
import { Button, ErrorSummary, Radios, ServiceNavigation, SkipLink, createAll } from "govuk-frontend";

for (const component of [Button, ErrorSummary, Radios, ServiceNavigation, SkipLink]) {
  createAll(component);
}
