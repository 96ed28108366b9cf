export default { kind: 'sink', name: 'half', version: 1, options: { type: 'object' }, reasons: {} }
