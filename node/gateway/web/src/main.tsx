import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app/app.tsx'
import { applyTheme, readTheme } from './app/theme.ts'
import { providePayer } from './data/payer.ts'
import './design/tokens.css'
import './design/base.css'
import './design/components.css'
import './app/shell.css'

applyTheme(readTheme())
providePayer(async () => (await import('./wallet/pay-answers.ts')).payFromWallet)
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
