import react from '@vitejs/plugin-react'
import { defineConfig, type HtmlTagDescriptor, type Plugin, type Rolldown } from 'vite'

/** The page that the gateway serves: one shell, one chunk for each page of it, names by content. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), preloadStart()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: ['chrome123', 'firefox121', 'safari17.5'],
    // The policy of the page allows no `data:` scripts or styles, and small files are no burden on loopback.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'react', test: /node_modules[\\/](react|react-dom|scheduler)[\\/]/ },
            // What every page needs comes in one piece.
            {
              name: 'kit',
              test: /web[\\/]src[\\/](app|data|design)[\\/]|gateway[\\/]readable|protocol[\\/]money/,
            },
          ],
        },
      },
    },
  },
})

/** Most come to ask: what that takes is asked for along with the shell, not after it has run. */
function preloadStart(): Plugin {
  return {
    name: 'preload-start',
    transformIndexHtml: {
      order: 'post',
      handler(_, { bundle = {} }) {
        const chunks = Object.values(bundle).filter(each => each.type === 'chunk')
        const start = chunks.find(({ facadeModuleId }) => facadeModuleId?.endsWith('/ask-page.tsx'))
        if (start === undefined) return []
        const needed = [start, ...chunks.filter(({ fileName }) => start.imports.includes(fileName))]
        const entry = chunks.find(({ isEntry }) => isEntry)
        return needed.flatMap(chunk => tagsOf(chunk, entry))
      },
    },
  }
}

function tagsOf(chunk: Rolldown.OutputChunk, entry: Rolldown.OutputChunk | undefined): HtmlTagDescriptor[] {
  const { importedCss = new Set<string>() } = chunk.viteMetadata ?? {}
  const isKnown = entry?.fileName === chunk.fileName || entry?.imports.includes(chunk.fileName) === true
  const tag = (attrs: Record<string, string>): HtmlTagDescriptor => ({ tag: 'link', attrs, injectTo: 'head' })
  return isKnown
    ? []
    : [
        tag({ rel: 'modulepreload', href: `/${chunk.fileName}` }),
        ...[...importedCss].map(name => tag({ rel: 'preload', as: 'style', href: `/${name}` })),
      ]
}
