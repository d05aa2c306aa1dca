// A window for questions and answers in your page or Forge UI: see docs/feedback.md.
(function () {
  "use strict";
  var TEXTS = {
    en: ["Questions or feedback?", "Your message", "Send", "Sent. The answer appears here.",
      "That didn’t work. Please try again.", "You", "The team"],
    de: ["Fragen oder Feedback?", "Ihre Nachricht", "Senden", "Gesendet. Die Antwort erscheint hier.",
      "Das hat nicht geklappt. Bitte noch einmal versuchen.", "Sie", "Das Team"],
    es: ["¿Preguntas o comentarios?", "Su mensaje", "Enviar", "Enviado. La respuesta aparecerá aquí.",
      "No ha funcionado. Inténtelo de nuevo.", "Usted", "El equipo"],
    fr: ["Une question, un avis\u00a0?", "Votre message", "Envoyer", "Envoyé. La réponse s’affichera ici.",
      "Cela n’a pas fonctionné. Veuillez réessayer.", "Vous", "L’équipe"],
  };
  var STYLE =
    ":host{display:block;max-width:26rem}summary,button{min-height:44px}summary{cursor:pointer;line-height:44px}" +
    "ol{list-style:none;padding:0}li{margin:.6em 0;white-space:pre-wrap;overflow-wrap:anywhere}b{display:block}" +
    "textarea{display:block;width:100%;box-sizing:border-box;min-height:5em;margin:.3em 0}" +
    "textarea,button{font:inherit}button{padding:0 1.2em}p{min-height:1.5em}";
  var LOOK_AGAIN_MS = 10000;

  function add(name, parent, text) {
    var made = parent.appendChild(document.createElement(name));
    if (text) made.textContent = text;
    return made;
  }

  // A page may reach its backend in its own way: `send(method, path, body)` promises {status, json}.
  window.evaluatorFeedback = function (options) {
    var lang = (options.lang || document.documentElement.lang || "en").slice(0, 2).toLowerCase();
    var texts = TEXTS[lang] || TEXTS.en, name = ["evaluator-feedback", options.app,
      options.cloudId || options.site || options.entitlementNumber].join(":");
    var conversation = null, key = null, sent = "", shown = -1, looks = 0;

    try { conversation = localStorage.getItem(name); } catch (_) {} // it lasts as long as the page
    function keep(token) {
      if (conversation && token !== conversation) clear();
      conversation = token;
      try { if (token) localStorage.setItem(name, token); else localStorage.removeItem(name); } catch (_) {}
    }

    function send(method, path, body) {
      if (options.send) return options.send(method, path, body);
      var request = { method: method, credentials: "omit", cache: "no-store" };
      if (body) {
        request.headers = { "Content-Type": "application/json", "Idempotency-Key": key };
        request.body = JSON.stringify(body);
      }
      return fetch(options.endpoint + path, request).then(function (answer) {
        return answer.text().then(function (text) {
          return { status: answer.status, json: answer.ok && text ? JSON.parse(text) : {} };
        });
      });
    }

    var host = add("div", options.into || document.body);
    var root = host.attachShadow({ mode: "open" });
    if (root.adoptedStyleSheets) (root.adoptedStyleSheets = [new CSSStyleSheet()])[0].replaceSync(STYLE);
    host.lang = TEXTS[lang] ? lang : "en";
    var panel = add("details", root), summary = add("summary", panel, texts[0]);
    var box = add("div", panel), log = add("ol", box);
    box.setAttribute("role", "log");
    var form = add("form", panel), input = add("textarea", add("label", form, texts[1]));
    input.required = true;
    input.maxLength = 2000;
    var button = add("button", form, texts[2]), status = add("p", form);
    status.setAttribute("role", "status");

    function clear() { shown = 0; log.textContent = ""; }

    function show(messages) {
      if (messages.length < shown) clear(); // something was erased
      if (messages.length > shown && shown >= 0 && !panel.open) summary.textContent = texts[0] + " (1)";
      messages.slice(Math.max(shown, 0)).forEach(function (message) {
        var line = add("li", log);
        add("b", line, texts[message.from === "team" ? 6 : 5]);
        add("span", line, message.text);
      });
      shown = messages.length;
    }

    function look() {
      if (!conversation) return;
      var mine = ++looks; // only the latest answer counts
      return send("GET", "/conversations/" + encodeURIComponent(conversation)).then(function (answer) {
        if (mine !== looks) return;
        if (answer.status === 404) keep(null);
        if (answer.status === 200) show(answer.json.messages);
      }).catch(function () {}); // it looks again
    }

    form.onsubmit = function (event) {
      event.preventDefault();
      var text = input.value.trim();
      if (!text || button.disabled) return;
      if (text !== sent || !key) key = Date.now() + "-" + Math.random(); // kept after a failure
      sent = text;
      button.disabled = true;
      status.textContent = "";
      var body = { app: options.app, text: text, locale: lang, site: options.site, cloud_id: options.cloudId,
        entitlement_number: options.entitlementNumber, conversation: conversation || undefined };
      send("POST", "", body).then(function (answer) {
        if (answer.status === 404) keep(null);
        if (answer.status !== 202) throw answer;
        keep(answer.json.conversation);
        key = null;
        input.value = "";
        status.textContent = texts[3];
        return look();
      }).catch(function () { status.textContent = texts[4]; }).then(function () {
        button.disabled = false;
        input.focus();
      });
    };
    panel.ontoggle = function () {
      summary.textContent = texts[0];
      look();
    };
    setInterval(function () { if (!document.hidden) look(); }, LOOK_AGAIN_MS);
    look();
    return host;
  };

  var script = document.currentScript, data = script && script.dataset;
  if (data && data.app) {
    window.evaluatorFeedback(Object.assign({ endpoint: new URL(".", script.src).href.slice(0, -1) }, data,
      { into: data.into && document.querySelector(data.into) }));
  }
})();
