/** The console as static files under `/_redrive/`, which the server hands out. */
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  base: '/_redrive/',
  plugins: [react()],
  build: { outDir: 'dist', emptyOutDir: true, target: 'es2022', chunkSizeWarningLimit: 1200 },
  server: { proxy: { '/_redrive/api': process.env.REDRIVE_ENDPOINT ?? 'http://127.0.0.1:4566' } },
});
