// Compiles GOV.UK Frontend to ../assets. Every file is named NAME-HASH.EXT
// after its own content, so that browsers may keep it for ever; pages.New finds
// it again as NAME.EXT. The same sources give the same bytes.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { parse } from "node:path";
import * as esbuild from "esbuild";
import * as sass from "sass";

const out = new URL("../assets/", import.meta.url);
rmSync(out, { recursive: true, force: true });
mkdirSync(out);

function write(file, bytes) {
  const { name, ext } = parse(file);
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  writeFileSync(new URL(`${name}-${hash}${ext}`, out), bytes);
}

for (const brand of ["generic", "govuk"]) {
  const { css } = sass.compile(`${brand}.scss`, {
    loadPaths: ["node_modules/govuk-frontend/dist"],
    style: "compressed",
  });
  // The footer's rules name a crest that we do not ship. No page of ours uses
  // the class, so the rules go, and the stylesheet refers to no other file.
  write(`${brand}.css`, css.replace(/[^{}]*__copyright-logo[^{}]*\{[^{}]*\}/g, ""));
}

const { outputFiles } = await esbuild.build({
  entryPoints: ["app.mjs"],
  bundle: true,
  minify: true,
  format: "esm",
  write: false,
});
write("app.js", outputFiles[0].contents);

for (const icon of readdirSync("icons")) write(icon, readFileSync(`icons/${icon}`));
