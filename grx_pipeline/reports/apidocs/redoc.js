"use strict";
// A browser reads no other file for a page that is itself opened as a file.
if (location.protocol === "file:") document.getElementById("from-file").hidden = false;
else Redoc.init("openapi.json", { disableSearch: true }, document.getElementById("redoc"));
