"use strict";
// A browser reads no other file for a page that is itself opened as a file.
if (location.protocol === "file:") document.getElementById("from-file").hidden = false;
else
  SwaggerUIBundle({
    url: "openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    validatorUrl: null,
    defaultModelsExpandDepth: 0,
  });
