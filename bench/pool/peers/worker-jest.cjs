exports.noop = () => undefined;
exports.echo = (value) => value;
