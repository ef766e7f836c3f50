import type { ReactNode } from 'react'

/** Drawn on 20 x 20, one stroke of 1.5. */
const DRAWINGS = {
  ask: <path d="M3.5 5.5a2 2 0 0 1 2-2h9a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H9l-3.5 3v-3a2 2 0 0 1-2-2z" />,
  network: (
    <>
      <circle cx="10" cy="10" r="1.75" />
      <circle cx="10" cy="10" r="7" strokeDasharray="2.5 2.5" />
      <path d="m15 5-3.5 3.5M4.5 8l3.75 1.5M9 16l.5-4.25" />
    </>
  ),
  wallet: (
    <>
      <path d="M3.5 6.5v8a2 2 0 0 0 2 2h10a1 1 0 0 0 1-1v-7a1 1 0 0 0-1-1h-11a1 1 0 0 1-1-1 2 2 0 0 1 2-2h8.5" />
      <circle cx="13.25" cy="12" r=".75" />
    </>
  ),
  earn: <path d="M3.5 16.5v-5h3v5m2-0v-9h3v9m2 0v-13h3v13M2.5 16.5h15" />,
  learn: <path d="M3 4.5c0 8 5 11.5 14 11.5M3 16.5V4M3 16.5h14M8 12.5l3-4 2.5 2 3-5" />,
  proof: (
    <>
      <path d="M10 2.75 16 5v4.5c0 3.75-2.5 6.5-6 7.75-3.5-1.25-6-4-6-7.75V5z" />
      <path d="m7.25 9.75 2 2 3.5-3.75" />
    </>
  ),
  settings: (
    <>
      <path d="M3 6h6m4 0h4M3 14h3m4 0h7" />
      <circle cx="11" cy="6" r="2" />
      <circle cx="8" cy="14" r="2" />
    </>
  ),
  more: (
    <>
      <circle cx="4.5" cy="10" r=".75" />
      <circle cx="10" cy="10" r=".75" />
      <circle cx="15.5" cy="10" r=".75" />
    </>
  ),
  system: (
    <>
      <circle cx="10" cy="10" r="6" />
      <path d="M10 4a6 6 0 0 1 0 12z" fill="currentColor" />
    </>
  ),
  light: (
    <>
      <circle cx="10" cy="10" r="3.25" />
      <path d="M10 2.5v1.25M10 16.25v1.25M2.5 10h1.25M16.25 10h1.25M4.7 4.7l.9.9M14.4 14.4l.9.9M4.7 15.3l.9-.9M14.4 5.6l.9-.9" />
    </>
  ),
  dark: <path d="M16 11.75A6.5 6.5 0 1 1 8.25 4a5.25 5.25 0 0 0 7.75 7.75z" />,
  send: <path d="M10 16V4.5M5 9l5-5 5 5" />,
  stop: <rect x="5.5" y="5.5" width="9" height="9" rx="1.5" fill="currentColor" />,
  plus: <path d="M10 4v12M4 10h12" />,
  close: <path d="m5 5 10 10M15 5 5 15" />,
  copy: (
    <>
      <rect x="7" y="7" width="9.5" height="9.5" rx="1.5" />
      <path d="M4.5 13A1 1 0 0 1 3.5 12V5A1.5 1.5 0 0 1 5 3.5h7a1 1 0 0 1 1 1" />
    </>
  ),
  check: <path d="m4 10.5 4 4 8-9" />,
  branch: (
    <>
      <circle cx="6" cy="4.5" r="1.75" />
      <circle cx="6" cy="15.5" r="1.75" />
      <circle cx="14" cy="7.5" r="1.75" />
      <path d="M6 6.25v7.5M14 9.25c0 2.5-3.5 2-6.5 4.75" />
    </>
  ),
  retry: <path d="M15.75 7A6.5 6.5 0 1 0 16.5 10M16 3.5V7h-3.5" />,
  edit: <path d="m4 16 .75-3.5 8.5-8.5a1.5 1.5 0 0 1 2.25 0l.5.5a1.5 1.5 0 0 1 0 2.25l-8.5 8.5z" />,
  attach: (
    <path d="m15.5 9-5.75 5.75a3.25 3.25 0 0 1-4.6-4.6l6-6a2.2 2.2 0 0 1 3.1 3.1l-5.9 5.9a1.1 1.1 0 0 1-1.55-1.55L12 6.5" />
  ),
  list: <path d="M3 5.5h14M3 10h14M3 14.5h9" />,
  canvas: (
    <>
      <rect x="3" y="3.5" width="14" height="13" rx="1.5" />
      <path d="M10.5 3.5v13M10.5 9H17" />
    </>
  ),
  trash: <path d="M4 5.5h12M8 5.5v-2h4v2M5.5 5.5l.75 11h7.5l.75-11" />,
  back: <path d="m11.5 5-5 5 5 5" />,
  forward: <path d="m8.5 5 5 5-5 5" />,
  down: <path d="m5 8 5 5 5-5" />,
  save: <path d="M10 3.5v9m-4-4 4 4 4-4M3.5 15.5h13" />,
  warning: <path d="M10 3.5 17.5 16.5h-15zM10 8.5v3.5M10 14.2v.1" />,
  key: (
    <>
      <circle cx="6.5" cy="13.5" r="3" />
      <path d="m8.75 11.25 7-7M13.25 6.75l2 2" />
    </>
  ),
} as const satisfies Record<string, ReactNode>

export type IconName = keyof typeof DRAWINGS

/** Says nothing by itself: what it stands beside, or an aria-label, does. */
export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg
      className="icon"
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {DRAWINGS[name]}
    </svg>
  )
}
