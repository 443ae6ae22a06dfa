import { createReadStream, createWriteStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { constants, createGzip } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** Writes `name.gz` beside every asset, so that the gateway compresses nothing while it serves. */
function precompress(): Plugin {
  let folder = "";
  return {
    name: "regulars-precompress",
    apply: "build",
    configResolved: (config) => {
      folder = join(config.root, config.build.outDir, config.build.assetsDir);
    },
    closeBundle: async () => {
      for (const name of await readdir(folder)) {
        const gzip = createGzip({ level: constants.Z_BEST_COMPRESSION });
        await pipeline(createReadStream(join(folder, name)), gzip, createWriteStream(join(folder, `${name}.gz`)));
      }
    },
  };
}

// `npm run dev` shows the pages with live reload against a gateway that already runs.
const gateway = process.env["REGULARS_BASE_URL"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react(), precompress()],
  appType: "mpa",
  server: { fs: { allow: ["../../.."] }, proxy: { "/graphql": gateway, "/welcome.json": gateway, "/graphiql/examples.json": gateway } },
  worker: { format: "es" },
  build: {
    target: "es2023",
    // Monaco is large by nature; the GraphiQL page alone loads it.
    chunkSizeWarningLimit: 2000,
    reportCompressedSize: false,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: ["index.html", "graphiql.html", "wallet.html"],
      onwarn: (warning, warn) => {
        // GraphiQL's "use no memo" speaks to a compiler that has already run.
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE") warn(warning);
      },
    },
  },
});
