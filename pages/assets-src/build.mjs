// Compiles GOV.UK Frontend to ../assets. Every file is named NAME-HASH.EXT
// after its own content, so that browsers may keep it for ever; pages.New finds
// it again as NAME.EXT. The same sources give the same bytes.
//
// "node build.mjs --gds-transport" adds the font of GOV.UK, for a service that
// may use it. It is not ours to give away: do not commit what that makes here.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { parse } from "node:path";
import { argv } from "node:process";
import * as esbuild from "esbuild";
import * as sass from "sass";

const fonts = "node_modules/govuk-frontend/dist/govuk/assets/fonts/";
const out = new URL("../assets/", import.meta.url);
rmSync(out, { recursive: true, force: true });
mkdirSync(out);

function write(file, bytes) {
  const { name, ext } = parse(file);
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  writeFileSync(new URL(`${name}-${hash}${ext}`, out), bytes);
  return `${name}-${hash}${ext}`;
}

for (const brand of ["generic", "govuk"]) {
  let source = readFileSync(`${brand}.scss`, "utf8");
  if (argv.includes("--gds-transport")) source = source.replace("$govuk-include-default-font-face: false", "$govuk-fonts-path: ''");
  let { css } = sass.compileString(source, {
    loadPaths: [".", "node_modules/govuk-frontend/dist"],
    style: "compressed",
  });
  css = css.replace(/url\("?([\w-]+\.woff2?)"?\)/g, (_, font) => `url(${write(font, readFileSync(`${fonts}${font}`))})`);
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
