// Questions and word of a new build: loaded by live.js where a server answers.
"use strict";
(() => {
  const place = location.pathname.match(/^\/(latest|[a-z0-9-]+-r\d+)\/(.*)$/);
  const session = place ? place[1] : null;
  const page = place ? decodeURIComponent(place[2]) || "index.html" : null;

  function element(name, properties = {}, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  function beside(label, content) {
    const aside = element("aside", {}, content);
    aside.setAttribute("aria-label", label);
    document.body.append(aside);
  }

  // ---- new builds ------------------------------------------------------------------------------------------------
  function listen() {
    let source = null;
    let first = null;
    const stop = () => source && source.close();
    function start() {
      source = new EventSource(`/api/events?session=${session || "site"}`);
      source.addEventListener("build", (event) => {
        const standing = event.lastEventId;
        if (first === null) first = standing;
        else if (standing !== first) {
          stop();
          document.removeEventListener("visibilitychange", look);
          offerReload();
        }
      });
    }
    // A browser holds six connections to a host; a page that nobody looks at must not keep one from the others.
    const look = () => (document.hidden ? stop() : start());
    document.addEventListener("visibilitychange", look);
    if (!document.hidden) start();
  }

  function offerReload() {
    const button = element("button", { type: "button", textContent: "Show it" });
    button.addEventListener("click", () => location.reload());
    const notice = element("p", { className: "live-notice", role: "status" }, "There is a new build of this page. ", button);
    beside("News of this page", notice);
  }

  const STARTS = /^drivers\//.test(page || "")
    ? ["How did it go?", "What should I change first?", "Where am I off the class best?"]
    : /^compare\//.test(page || "")
      ? ["Who is quicker?", "What is there to take from it?"]
      : ["Who won, and how?", "Who stands out?", "What were the conditions?"];

  // ---- questions -------------------------------------------------------------------------------------------------
  function addChat() {
    const log = element("div", { className: "chat-log", tabIndex: 0 });
    log.setAttribute("role", "log");
    log.setAttribute("aria-label", "Answers");
    const field = element("input", { type: "text", id: "chat-field", maxLength: 1000, autocomplete: "off", required: true });
    const send = element("button", { type: "submit", textContent: "Ask" });
    const label = element("label", { htmlFor: "chat-field", textContent: "Your question" });
    const form = element("form", {}, label, field, send);
    const ideas = element("div", { className: "chat-ideas" });
    const panel = element("details", { className: "chat" }, element("summary", { textContent: "Ask about this page" }), log, ideas, form);
    const history = [];

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(field.value.trim());
    });
    panel.addEventListener("toggle", () => {
      if (panel.open && !ideas.childElementCount && !log.childElementCount) suggest(STARTS);
      if (panel.open) field.focus();
    });
    beside("Questions", panel);

    function suggest(questions) {
      ideas.replaceChildren(
        ...questions.map((text) => {
          const button = element("button", { type: "button", textContent: text });
          button.addEventListener("click", () => ask(text));
          return button;
        }),
      );
    }

    function say(className, text) {
      const line = element("p", { className, textContent: text });
      log.append(line);
      log.scrollTop = log.scrollHeight;
      return line;
    }

    async function ask(message) {
      if (!message || send.disabled) return;
      send.disabled = true;
      field.value = "";
      say("chat-question", message);
      const body = { message, history: history.slice(-12) };
      if (session) Object.assign(body, session === "latest" ? { page } : { session, page });
      try {
        const answer = await fetch("/api/ai/chat", {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify(body),
        });
        const said = await answer.json().catch(() => ({ detail: "The server does not answer." }));
        if (!said.answer) throw new Error(said.detail);
        const line = say("chat-answer", said.answer);
        if (said.sources.length) line.after(sources(said));
        history.push({ role: "user", text: message }, { role: "assistant", text: said.answer.slice(0, 2000) });
        suggest(said.suggestions);
      } catch (error) {
        say("chat-answer", error instanceof TypeError ? "The server does not answer." : error.message);
      }
      log.scrollTop = log.scrollHeight;
      send.disabled = false;
    }

    function sources(said) {
      const how = said.mode === "model" ? "put in words by a language model and checked" : "written by rules";
      const list = element("ul", {}, ...said.sources.map((fact) => element("li", { textContent: fact.text })));
      const count = said.sources.length === 1 ? "1 fact" : `${said.sources.length} facts`;
      return element("details", { className: "chat-sources" }, element("summary", { textContent: `From ${count}, ${how}` }), list);
    }
  }

  listen();
  addChat();
})();
