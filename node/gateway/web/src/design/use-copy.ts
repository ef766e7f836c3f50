import { useState } from 'react'
import { toast } from './toast.tsx'

const SHOWN_MS = 1_500

/** What copies a text, and whether it has just done so. */
export function useCopy(text: string): { isCopied: boolean; copy: () => void } {
  const [isCopied, setCopied] = useState(false)
  const copy = async () => {
    await navigator.clipboard.writeText(text)
    setCopied(true)
    setTimeout(() => setCopied(false), SHOWN_MS)
  }
  // Served over plain HTTP to another machine, a page has no clipboard.
  const fail = () => toast('The browser does not let this page copy. Select the text, and copy it.', 'bad')
  return { isCopied, copy: () => void copy().catch(fail) }
}
