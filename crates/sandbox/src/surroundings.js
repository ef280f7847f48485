// Takes away what differs from run to run, and puts what was passed in where scripts expect it.
(function (now, random) {
  "use strict";
  const { construct } = Reflect;
  const Clocked = Date;
  const Fixed = new Proxy(Clocked, {
    __proto__: null,
    apply: () => new Clocked(now).toString(),
    construct: (target, given, made) => construct(target, given.length === 0 ? [now] : given, made),
  });
  Clocked.now = () => now;
  Clocked.prototype.constructor = Fixed;
  globalThis.Date = Fixed;
  Math.random = random;
  // A clock, and two ways to watch the garbage collector.
  for (const name of ["performance", "WeakRef", "FinalizationRegistry"]) delete globalThis[name];
})
