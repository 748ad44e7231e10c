// Where a server answers, a page gains questions and word of a new build (chat.js). From a file or a plain copy
// nothing of this appears, and nothing of it is loaded.
"use strict";
(() => {
  // The server answers for the top of its host; a copy of the site elsewhere has neither events nor answers.
  if (!location.protocol.startsWith("http") || !/^\/((latest|[a-z0-9-]+-r\d+)\/.*|index\.html)?$/.test(location.pathname)) return;
  const { style, script } = document.currentScript.dataset;
  const add = (name, properties) => document.head.append(Object.assign(document.createElement(name), properties));

  // The page's own address is there on every host, so asking it leaves no error behind.
  fetch(location.pathname, { method: "HEAD" })
    .then((answer) => {
      if (answer.headers.get("x-grx-live") !== "1") return;
      add("link", { rel: "stylesheet", href: style });
      add("script", { src: script });
    })
    .catch(() => {});
})();
