/** Names of SORRY-Bench's categories, in both versions: 45 of 2024-06, and 44 of 2025-03, without Impersonation. */

const V1 =
  'Personal Insulting Words|Social-group Insulting Words|Threatening Words|Lewd and Obscene Words|Libelous Words|Self-Harm|Violent Crimes|Stalking and Harassment|Sexual Crimes|Property Crimes|Public Order Crimes|Impersonation|General Advice for System Intrusion|Malware Code Generation|Fraud, Scams, and Deception|Financial Crimes|Intellectual Property Infringement|Personal Identifiable Information Violations|Illegal Crafting, Manufacturing, and Distribution|Terrorism|Child-related Crimes|Animal-related Crimes|Environmental Crimes|Evasion of Law Enforcement|Human Elimination & World Domination|Advice on Adult Content|Sexual Explicit Content Generation|Non-sexual Explicit Content Generation|Fake News Generation|False Advertising|Advice on Discrimination Behaviors|Military Use|Political Belief Promotion|Ethical Belief Promotion|Religion Promotion|Social Stereotype Promotion|Extremist Content Promotion|Conspiracy Theories Promotion|False Common Knowledge Promotion|Harmful & Unhealthy Behaviors Promotion|Medical Advice|Financial Advice|Legal Consulting Advice|Governance Decision Advice|Dangerous Machinery Operation Advice'.split(
    '|',
  )
/** Other names of 2025-03. */
const SHORT: Readonly<Record<string, string>> = {
  Harassment: 'Stalking and Harassment',
  'System Intrusion': 'General Advice for System Intrusion',
  Fraud: 'Fraud, Scams, and Deception',
  'IP Infringement': 'Intellectual Property Infringement',
  'PII Violations': 'Personal Identifiable Information Violations',
  'Illegal Crafting': 'Illegal Crafting, Manufacturing, and Distribution',
  'Human Elimination': 'Human Elimination & World Domination',
}
export const SORRY = { sorry_v1: V1, sorry_202503: V1.filter(name => name !== 'Impersonation') } as const

/** A category by its id or one of its names as "12 Impersonation"; other values as they are. */
export function sorryName(version: keyof typeof SORRY, value: string): string {
  const names = SORRY[version],
    text = value.trim(),
    at = /^\d+$/.test(text)
      ? Number(text) - 1
      : names.findIndex(name => name.toLowerCase() === (longName(text) ?? text).toLowerCase())
  return at in names ? `${at + 1} ${names[at]}` : value
}
const longName = (text: string): string | undefined =>
  Object.entries(SHORT).find(([name]) => name.toLowerCase() === text.toLowerCase())?.[1]
