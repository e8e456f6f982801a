// No validator badge: it would ask a server of Swagger's.
SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  persistAuthorization: false,
  docExpansion: "list",
  filter: true,
  validatorUrl: null,
});
