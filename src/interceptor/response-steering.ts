/** What is laid down for a response that is to be stored, or was validated: lifetimes, windows, and whether it is stored. */
import type { PolicySettings, Steered } from '../policy/cache-request.ts'
import { isSilentError } from '../policy/terms.ts'
import type { Terms } from '../stored-response.ts'
import { uriOf } from './message-views.ts'
import type { RuleOutcome } from './rules.ts'
import type { ResolvedSteering } from './steering.ts'
import { mergeTerms } from './terms-options.ts'

/** An error that states no lifetime may have one of its own; and none has that of other responses. */
type Kind = 'answer' | 'error' | 'silent-error'

export function steerBy(
  options: ResolvedSteering,
  settings: Pick<PolicySettings, 'shared' | 'targets'>,
): NonNullable<PolicySettings['steer']> {
  // What a rule says is the same for many responses, and they share it.
  const prepared: Readonly<Record<Kind, Map<RuleOutcome | undefined, Steered>>> = {
    answer: new Map(),
    error: new Map(),
    'silent-error': new Map(),
  }
  return function steer(request, response) {
    const kind: Kind =
      response.statusCode < 400 ? 'answer' : isSilentError(response, settings) ? 'silent-error' : 'error'
    const rule = options.rules.outcomeOf(uriOf(request), response)
    const own = request.laidDown?.terms
    if (own !== undefined) return steered(kind, own, rule, options)
    const known = prepared[kind].get(rule)
    if (known !== undefined) return known
    const made = steered(kind, undefined, rule, options)
    prepared[kind].set(rule, made)
    return made
  }
}

function steered(
  kind: Kind,
  own: Terms | undefined,
  rule: RuleOutcome | undefined,
  options: ResolvedSteering,
): Steered {
  const isError = kind !== 'answer'
  const negativeTtl = rule?.negativeTtl ?? options.negativeTtl
  const ofRule = isError && rule?.namesStatus !== true ? forErrors(rule?.terms) : rule?.terms
  const merged = isError
    ? mergeTerms(forErrors(own), mergeTerms(ofRule, forErrors(options.terms)))
    : mergeTerms(own, mergeTerms(ofRule, options.terms))
  const isNegative =
    kind === 'silent-error' && negativeTtl !== undefined && merged?.ttl === undefined && merged?.minTtl === undefined
  const { ttl = 0, minTtl = 0 } = rule?.terms ?? {}
  return {
    terms: isNegative ? { ...merged, ttl: negativeTtl } : merged,
    allowsStatus: rule?.namesStatus === true && ttl + minTtl > 0,
    refuses: rule?.refuses === true,
  }
}

/** Without the lifetimes that are for other responses. */
function forErrors(terms: Terms | undefined): Terms | undefined {
  if (terms === undefined) return undefined
  const { ttl: _, minTtl: __, ...rest } = terms
  return Object.keys(rest).length === 0 ? undefined : rest
}
