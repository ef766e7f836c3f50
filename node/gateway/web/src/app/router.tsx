import type { ComponentProps, MouseEvent } from 'react'
import { Store, useStore } from '../data/store.ts'

/** Where the page is: its path without the ends' slashes, in parts, and what follows `?`. */
export interface Route {
  path: string
  parts: readonly string[]
  query: URLSearchParams
}

const route = new Store(readRoute())

function readRoute(): Route {
  const { pathname, search } = location
  const parts = pathname.split('/').filter(Boolean).map(decodePart)
  return { path: pathname, parts, query: new URLSearchParams(search) }
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

function changed(): void {
  route.set(readRoute())
}

window.addEventListener('popstate', changed)

/** Goes to another place of the page, `/proof/bafy…`, without loading it anew. */
export function navigate(to: string, options: { replace?: boolean } = {}): void {
  if (options.replace === true) history.replaceState(null, '', to)
  else history.pushState(null, '', to)
  changed()
}

export function useRoute(): Route {
  return useStore(route)
}

/** A link within the page; opened in a new tab it works as any other. */
export function Link({ href, onClick, ...rest }: ComponentProps<'a'> & { href: string }) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event)
    const asUsual = event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey
    if (event.defaultPrevented || asUsual || rest.target === '_blank') return
    event.preventDefault()
    navigate(href)
  }
  return <a href={href} onClick={follow} {...rest} />
}
