/** The console: everything below `/_redrive/` that a person looks at. */
import '@mantine/core/styles.css';
import './console.css';
import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createRoot } from 'react-dom/client';
import { Router } from 'wouter';
import { ApiError } from './api.ts';
import { App } from './app.tsx';
import { nonce } from './nonce.ts';
import { theme } from './theme.ts';

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // What has changed is told by the live stream; a refusal does not become better by asking again.
      staleTime: 2_000,
      retry: (failures, error) => !(error instanceof ApiError && error.status < 500) && failures < 2,
    },
  },
});

createRoot(document.getElementById('root') as HTMLElement).render(
  <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
    <QueryClientProvider client={queries}>
      <Router base="/_redrive">
        <App />
      </Router>
    </QueryClientProvider>
  </MantineProvider>,
);
