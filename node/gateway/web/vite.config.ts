import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** The page that the gateway serves: one shell, one chunk for each page of it, names by content. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: ['chrome123', 'firefox121', 'safari17.5'],
    // The policy of the page allows no `data:` scripts or styles, and small files are no burden on loopback.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    manifest: true,
  },
})
