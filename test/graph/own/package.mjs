// Stands for the package where a test's own stage imports 'sluice-data'.
export const defineStage = spec => ({
  kind: 'stage',
  reasons: {},
  notes: {},
  ...spec,
  options: { ...spec.options, additionalProperties: false },
})
export const Type = { Object: properties => ({ type: 'object', properties }) }
