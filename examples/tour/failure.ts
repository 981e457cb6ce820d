/** A failed fetch in one line: fetch itself says only "fetch failed", and why is in the error's cause. */
export function errorLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  if (!(cause instanceof Error)) return error.message
  const code = (cause as NodeJS.ErrnoException).code
  return [code, cause.message].filter((part) => part !== undefined && part !== '').join(': ')
}
