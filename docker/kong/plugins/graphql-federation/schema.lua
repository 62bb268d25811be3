-- The schema of Kong's plugin graphql-federation, version 0.1.0.
-- Printed by `kong-federation schema --format lua`; not to be edited.

return {
  name = "graphql-federation",
  fields = {
    {
      protocols = {
        type = "set",
        required = true,
        default = { "http", "https" },
        elements = { type = "string", one_of = { "http", "https" } },
      },
    },
    {
      config = {
        type = "record",
        required = true,
        fields = {
          {
            supergraph = {
              type = "record",
              fields = {
                {
                  sdl = {
                    type = "string",
                    len_max = 16777216,
                    referenceable = true,
                    description = "The supergraph itself, as composed.",
                  },
                },
                {
                  path = {
                    type = "string",
                    len_max = 4096,
                    description = "A file on the Kong node that holds the supergraph; it may be replaced at any time. Best an absolute path: others are relative to where the plugin server was started.",
                  },
                },
                {
                  poll_interval = {
                    type = "integer",
                    between = { 0, 86400000 },
                    description = "How often the file is looked at; 0: only at the start, and when the plugin server gets SIGHUP. In milliseconds.",
                    default = 10000,
                  },
                },
              },
              entity_checks = { { only_one_of = { "sdl", "path" } } },
              description = "Where the supergraph comes from.",
              required = true,
            },
          },
          {
            subgraph_defaults = {
              type = "record",
              fields = {
                {
                  connect_timeout = {
                    type = "integer",
                    between = { 1, 55000 },
                    description = "Time in which a connection to a subgraph must be made. In milliseconds.",
                    default = 5000,
                  },
                },
                {
                  read_timeout = {
                    type = "integer",
                    between = { 1, 55000 },
                    description = "Time in which a subgraph's whole answer must have arrived, connecting included. In milliseconds.",
                    default = 30000,
                  },
                },
                {
                  deduplicate = {
                    type = "boolean",
                    description = "Whether identical queries to a subgraph share one request while it is under way. Identical means URL, body and all headers but those of traces and request ids. Mutations are never shared, and what was asked before one of them ended is not shared afterwards.",
                    default = true,
                  },
                },
                {
                  max_batch_entities = {
                    type = "integer",
                    between = { 1, 2147483646 },
                    description = "How many entities one request to a subgraph asks for at most; more are asked for in several requests at the same time. In entities.",
                    default = 10000,
                  },
                },
                {
                  headers = {
                    type = "record",
                    fields = {
                      {
                        request = {
                          type = "array",
                          elements = {
                            type = "record",
                            fields = {
                              {
                                op = {
                                  type = "string",
                                  one_of = { "propagate", "insert", "remove" },
                                  description = "What is done. `propagate` sends the client's header on, if there is one. `insert` sets a header to `value` or to what `value_from` names. `remove` takes away what was to be sent.",
                                  required = true,
                                },
                              },
                              {
                                named = {
                                  type = "string",
                                  match_none = {
                                    {
                                      pattern = "^[Cc][Oo][Nn][Nn][Ee][Cc][Tt][Ii][Oo][Nn]$",
                                      err = "must not be connection",
                                    },
                                    {
                                      pattern = "^[Kk][Ee][Ee][Pp][-][Aa][Ll][Ii][Vv][Ee]$",
                                      err = "must not be keep-alive",
                                    },
                                    {
                                      pattern = "^[Pp][Rr][Oo][Xx][Yy][-][Aa][Uu][Tt][Hh][Ee][Nn][Tt][Ii][Cc][Aa][Tt][Ee]$",
                                      err = "must not be proxy-authenticate",
                                    },
                                    {
                                      pattern = "^[Pp][Rr][Oo][Xx][Yy][-][Aa][Uu][Tt][Hh][Oo][Rr][Ii][Zz][Aa][Tt][Ii][Oo][Nn]$",
                                      err = "must not be proxy-authorization",
                                    },
                                    {
                                      pattern = "^[Pp][Rr][Oo][Xx][Yy][-][Cc][Oo][Nn][Nn][Ee][Cc][Tt][Ii][Oo][Nn]$",
                                      err = "must not be proxy-connection",
                                    },
                                    { pattern = "^[Tt][Ee]$", err = "must not be te" },
                                    {
                                      pattern = "^[Tt][Rr][Aa][Ii][Ll][Ee][Rr]$",
                                      err = "must not be trailer",
                                    },
                                    {
                                      pattern = "^[Tt][Rr][Aa][Nn][Ss][Ff][Ee][Rr][-][Ee][Nn][Cc][Oo][Dd][Ii][Nn][Gg]$",
                                      err = "must not be transfer-encoding",
                                    },
                                    {
                                      pattern = "^[Uu][Pp][Gg][Rr][Aa][Dd][Ee]$",
                                      err = "must not be upgrade",
                                    },
                                    {
                                      pattern = "^[Aa][Cc][Cc][Ee][Pp][Tt]$",
                                      err = "must not be accept",
                                    },
                                    {
                                      pattern = "^[Aa][Cc][Cc][Ee][Pp][Tt][-][Ee][Nn][Cc][Oo][Dd][Ii][Nn][Gg]$",
                                      err = "must not be accept-encoding",
                                    },
                                    {
                                      pattern = "^[Cc][Oo][Nn][Tt][Ee][Nn][Tt][-][Ee][Nn][Cc][Oo][Dd][Ii][Nn][Gg]$",
                                      err = "must not be content-encoding",
                                    },
                                    {
                                      pattern = "^[Cc][Oo][Nn][Tt][Ee][Nn][Tt][-][Ll][Ee][Nn][Gg][Tt][Hh]$",
                                      err = "must not be content-length",
                                    },
                                    {
                                      pattern = "^[Cc][Oo][Nn][Tt][Ee][Nn][Tt][-][Tt][Yy][Pp][Ee]$",
                                      err = "must not be content-type",
                                    },
                                    {
                                      pattern = "^[Ee][Xx][Pp][Ee][Cc][Tt]$",
                                      err = "must not be expect",
                                    },
                                    { pattern = "^[Hh][Oo][Ss][Tt]$", err = "must not be host" },
                                  },
                                  match_all = {
                                    { pattern = "^[A-Za-z0-9_-]+$", err = "must be a header name" },
                                  },
                                  description = "Name of the header, in any case. Headers that belong to one connection or describe the body cannot be named.",
                                },
                              },
                              {
                                matching = {
                                  type = "string",
                                  len_max = 1024,
                                  description = "Instead of `named`: a regular expression (Python's) that is looked for in names, in any case; `^x-` is all that begin so. For `propagate` and `remove`.",
                                },
                              },
                              {
                                exclude = {
                                  type = "array",
                                  elements = {
                                    type = "string",
                                    match = "^[A-Za-z0-9_-]+$",
                                    err = "must be a header name",
                                  },
                                  description = "Names that `matching` does not mean.",
                                  default = {},
                                },
                              },
                              {
                                rename = {
                                  type = "string",
                                  match_none = {
                                    {
                                      pattern = "^[Cc][Oo][Nn][Nn][Ee][Cc][Tt][Ii][Oo][Nn]$",
                                      err = "must not be connection",
                                    },
                                    {
                                      pattern = "^[Kk][Ee][Ee][Pp][-][Aa][Ll][Ii][Vv][Ee]$",
                                      err = "must not be keep-alive",
                                    },
                                    {
                                      pattern = "^[Pp][Rr][Oo][Xx][Yy][-][Aa][Uu][Tt][Hh][Ee][Nn][Tt][Ii][Cc][Aa][Tt][Ee]$",
                                      err = "must not be proxy-authenticate",
                                    },
                                    {
                                      pattern = "^[Pp][Rr][Oo][Xx][Yy][-][Aa][Uu][Tt][Hh][Oo][Rr][Ii][Zz][Aa][Tt][Ii][Oo][Nn]$",
                                      err = "must not be proxy-authorization",
                                    },
                                    {
                                      pattern = "^[Pp][Rr][Oo][Xx][Yy][-][Cc][Oo][Nn][Nn][Ee][Cc][Tt][Ii][Oo][Nn]$",
                                      err = "must not be proxy-connection",
                                    },
                                    { pattern = "^[Tt][Ee]$", err = "must not be te" },
                                    {
                                      pattern = "^[Tt][Rr][Aa][Ii][Ll][Ee][Rr]$",
                                      err = "must not be trailer",
                                    },
                                    {
                                      pattern = "^[Tt][Rr][Aa][Nn][Ss][Ff][Ee][Rr][-][Ee][Nn][Cc][Oo][Dd][Ii][Nn][Gg]$",
                                      err = "must not be transfer-encoding",
                                    },
                                    {
                                      pattern = "^[Uu][Pp][Gg][Rr][Aa][Dd][Ee]$",
                                      err = "must not be upgrade",
                                    },
                                    {
                                      pattern = "^[Aa][Cc][Cc][Ee][Pp][Tt]$",
                                      err = "must not be accept",
                                    },
                                    {
                                      pattern = "^[Aa][Cc][Cc][Ee][Pp][Tt][-][Ee][Nn][Cc][Oo][Dd][Ii][Nn][Gg]$",
                                      err = "must not be accept-encoding",
                                    },
                                    {
                                      pattern = "^[Cc][Oo][Nn][Tt][Ee][Nn][Tt][-][Ee][Nn][Cc][Oo][Dd][Ii][Nn][Gg]$",
                                      err = "must not be content-encoding",
                                    },
                                    {
                                      pattern = "^[Cc][Oo][Nn][Tt][Ee][Nn][Tt][-][Ll][Ee][Nn][Gg][Tt][Hh]$",
                                      err = "must not be content-length",
                                    },
                                    {
                                      pattern = "^[Cc][Oo][Nn][Tt][Ee][Nn][Tt][-][Tt][Yy][Pp][Ee]$",
                                      err = "must not be content-type",
                                    },
                                    {
                                      pattern = "^[Ee][Xx][Pp][Ee][Cc][Tt]$",
                                      err = "must not be expect",
                                    },
                                    { pattern = "^[Hh][Oo][Ss][Tt]$", err = "must not be host" },
                                  },
                                  match_all = {
                                    { pattern = "^[A-Za-z0-9_-]+$", err = "must be a header name" },
                                  },
                                  description = "For `propagate` with `named`: the name it is sent on under.",
                                },
                              },
                              {
                                default = {
                                  type = "string",
                                  len_max = 8192,
                                  match = "^[ -~]+$",
                                  err = "must be one line of printable ASCII",
                                  description = "For `propagate` with `named`, and for `value_from`: the value if there is none.",
                                },
                              },
                              {
                                value = {
                                  type = "string",
                                  len_max = 8192,
                                  referenceable = true,
                                  encrypted = true,
                                  match = "^[ -~]+$",
                                  err = "must be one line of printable ASCII",
                                  description = "For `insert`: the value.",
                                },
                              },
                              {
                                value_from = {
                                  type = "string",
                                  one_of = {
                                    "consumer_id",
                                    "consumer_username",
                                    "consumer_custom_id",
                                    "consumer_tags",
                                    "credential_id",
                                    "groups",
                                    "scopes",
                                  },
                                  description = "For `insert`: what Kong knows of who asks. Whatever the client sent under this name is not sent, also if Kong knows nothing.",
                                },
                              },
                            },
                            entity_checks = {
                              { only_one_of = { "named", "matching" } },
                              {
                                conditional = {
                                  if_field = "op",
                                  if_match = { one_of = { "insert" } },
                                  then_field = "named",
                                  then_match = { required = true },
                                  then_err = "needs named where op is insert",
                                },
                              },
                              { mutually_exclusive = { "value", "value_from" } },
                              { mutually_exclusive = { "value", "default" } },
                              { mutually_exclusive = { "named", "exclude" } },
                              { mutually_exclusive = { "matching", "rename" } },
                              { mutually_exclusive = { "matching", "default" } },
                            },
                          },
                          description = "Rules for the client's headers on their way to subgraphs. Without a rule only trace context and request ids are sent on.",
                          default = {},
                        },
                      },
                    },
                    description = "Which headers travel between clients and subgraphs.",
                    required = true,
                  },
                },
              },
              description = "What holds for every subgraph.",
              required = true,
            },
          },
          {
            subgraphs = {
              type = "array",
              elements = {
                type = "record",
                fields = {
                  {
                    name = {
                      type = "string",
                      len_max = 256,
                      description = "The subgraph's name, as in the supergraph.",
                      required = true,
                    },
                  },
                  {
                    url = {
                      type = "string",
                      len_max = 4096,
                      referenceable = true,
                      match = "^https?://",
                      err = "must be an http or https URL",
                      description = "Where the subgraph is; absent: the address in the supergraph.",
                    },
                  },
                  {
                    connect_timeout = {
                      type = "integer",
                      between = { 1, 55000 },
                      description = "As in `subgraph_defaults`; absent: the default. In milliseconds.",
                    },
                  },
                  {
                    read_timeout = {
                      type = "integer",
                      between = { 1, 55000 },
                      description = "As in `subgraph_defaults`; absent: the default. In milliseconds.",
                    },
                  },
                  {
                    upstream = {
                      type = "string",
                      len_max = 256,
                      description = "Name of the upstream of Kong's that knows its addresses, for operations that are passed through; absent: those go to the host of its URL.",
                    },
                  },
                  {
                    deduplicate = {
                      type = "boolean",
                      description = "As in `subgraph_defaults`; absent: the default.",
                    },
                  },
                  {
                    max_batch_entities = {
                      type = "integer",
                      between = { 1, 2147483646 },
                      description = "As in `subgraph_defaults`; absent: the default. In entities.",
                    },
                  },
                  {
                    headers = {
                      type = "record",
                      fields = {
                        {
                          request = {
                            type = "array",
                            elements = {
                              type = "record",
                              fields = {
                                {
                                  op = {
                                    type = "string",
                                    one_of = { "propagate", "insert", "remove" },
                                    description = "What is done. `propagate` sends the client's header on, if there is one. `insert` sets a header to `value` or to what `value_from` names. `remove` takes away what was to be sent.",
                                    required = true,
                                  },
                                },
                                {
                                  named = {
                                    type = "string",
                                    match_none = {
                                      {
                                        pattern = "^[Cc][Oo][Nn][Nn][Ee][Cc][Tt][Ii][Oo][Nn]$",
                                        err = "must not be connection",
                                      },
                                      {
                                        pattern = "^[Kk][Ee][Ee][Pp][-][Aa][Ll][Ii][Vv][Ee]$",
                                        err = "must not be keep-alive",
                                      },
                                      {
                                        pattern = "^[Pp][Rr][Oo][Xx][Yy][-][Aa][Uu][Tt][Hh][Ee][Nn][Tt][Ii][Cc][Aa][Tt][Ee]$",
                                        err = "must not be proxy-authenticate",
                                      },
                                      {
                                        pattern = "^[Pp][Rr][Oo][Xx][Yy][-][Aa][Uu][Tt][Hh][Oo][Rr][Ii][Zz][Aa][Tt][Ii][Oo][Nn]$",
                                        err = "must not be proxy-authorization",
                                      },
                                      {
                                        pattern = "^[Pp][Rr][Oo][Xx][Yy][-][Cc][Oo][Nn][Nn][Ee][Cc][Tt][Ii][Oo][Nn]$",
                                        err = "must not be proxy-connection",
                                      },
                                      { pattern = "^[Tt][Ee]$", err = "must not be te" },
                                      {
                                        pattern = "^[Tt][Rr][Aa][Ii][Ll][Ee][Rr]$",
                                        err = "must not be trailer",
                                      },
                                      {
                                        pattern = "^[Tt][Rr][Aa][Nn][Ss][Ff][Ee][Rr][-][Ee][Nn][Cc][Oo][Dd][Ii][Nn][Gg]$",
                                        err = "must not be transfer-encoding",
                                      },
                                      {
                                        pattern = "^[Uu][Pp][Gg][Rr][Aa][Dd][Ee]$",
                                        err = "must not be upgrade",
                                      },
                                      {
                                        pattern = "^[Aa][Cc][Cc][Ee][Pp][Tt]$",
                                        err = "must not be accept",
                                      },
                                      {
                                        pattern = "^[Aa][Cc][Cc][Ee][Pp][Tt][-][Ee][Nn][Cc][Oo][Dd][Ii][Nn][Gg]$",
                                        err = "must not be accept-encoding",
                                      },
                                      {
                                        pattern = "^[Cc][Oo][Nn][Tt][Ee][Nn][Tt][-][Ee][Nn][Cc][Oo][Dd][Ii][Nn][Gg]$",
                                        err = "must not be content-encoding",
                                      },
                                      {
                                        pattern = "^[Cc][Oo][Nn][Tt][Ee][Nn][Tt][-][Ll][Ee][Nn][Gg][Tt][Hh]$",
                                        err = "must not be content-length",
                                      },
                                      {
                                        pattern = "^[Cc][Oo][Nn][Tt][Ee][Nn][Tt][-][Tt][Yy][Pp][Ee]$",
                                        err = "must not be content-type",
                                      },
                                      {
                                        pattern = "^[Ee][Xx][Pp][Ee][Cc][Tt]$",
                                        err = "must not be expect",
                                      },
                                      { pattern = "^[Hh][Oo][Ss][Tt]$", err = "must not be host" },
                                    },
                                    match_all = {
                                      {
                                        pattern = "^[A-Za-z0-9_-]+$",
                                        err = "must be a header name",
                                      },
                                    },
                                    description = "Name of the header, in any case. Headers that belong to one connection or describe the body cannot be named.",
                                  },
                                },
                                {
                                  matching = {
                                    type = "string",
                                    len_max = 1024,
                                    description = "Instead of `named`: a regular expression (Python's) that is looked for in names, in any case; `^x-` is all that begin so. For `propagate` and `remove`.",
                                  },
                                },
                                {
                                  exclude = {
                                    type = "array",
                                    elements = {
                                      type = "string",
                                      match = "^[A-Za-z0-9_-]+$",
                                      err = "must be a header name",
                                    },
                                    description = "Names that `matching` does not mean.",
                                    default = {},
                                  },
                                },
                                {
                                  rename = {
                                    type = "string",
                                    match_none = {
                                      {
                                        pattern = "^[Cc][Oo][Nn][Nn][Ee][Cc][Tt][Ii][Oo][Nn]$",
                                        err = "must not be connection",
                                      },
                                      {
                                        pattern = "^[Kk][Ee][Ee][Pp][-][Aa][Ll][Ii][Vv][Ee]$",
                                        err = "must not be keep-alive",
                                      },
                                      {
                                        pattern = "^[Pp][Rr][Oo][Xx][Yy][-][Aa][Uu][Tt][Hh][Ee][Nn][Tt][Ii][Cc][Aa][Tt][Ee]$",
                                        err = "must not be proxy-authenticate",
                                      },
                                      {
                                        pattern = "^[Pp][Rr][Oo][Xx][Yy][-][Aa][Uu][Tt][Hh][Oo][Rr][Ii][Zz][Aa][Tt][Ii][Oo][Nn]$",
                                        err = "must not be proxy-authorization",
                                      },
                                      {
                                        pattern = "^[Pp][Rr][Oo][Xx][Yy][-][Cc][Oo][Nn][Nn][Ee][Cc][Tt][Ii][Oo][Nn]$",
                                        err = "must not be proxy-connection",
                                      },
                                      { pattern = "^[Tt][Ee]$", err = "must not be te" },
                                      {
                                        pattern = "^[Tt][Rr][Aa][Ii][Ll][Ee][Rr]$",
                                        err = "must not be trailer",
                                      },
                                      {
                                        pattern = "^[Tt][Rr][Aa][Nn][Ss][Ff][Ee][Rr][-][Ee][Nn][Cc][Oo][Dd][Ii][Nn][Gg]$",
                                        err = "must not be transfer-encoding",
                                      },
                                      {
                                        pattern = "^[Uu][Pp][Gg][Rr][Aa][Dd][Ee]$",
                                        err = "must not be upgrade",
                                      },
                                      {
                                        pattern = "^[Aa][Cc][Cc][Ee][Pp][Tt]$",
                                        err = "must not be accept",
                                      },
                                      {
                                        pattern = "^[Aa][Cc][Cc][Ee][Pp][Tt][-][Ee][Nn][Cc][Oo][Dd][Ii][Nn][Gg]$",
                                        err = "must not be accept-encoding",
                                      },
                                      {
                                        pattern = "^[Cc][Oo][Nn][Tt][Ee][Nn][Tt][-][Ee][Nn][Cc][Oo][Dd][Ii][Nn][Gg]$",
                                        err = "must not be content-encoding",
                                      },
                                      {
                                        pattern = "^[Cc][Oo][Nn][Tt][Ee][Nn][Tt][-][Ll][Ee][Nn][Gg][Tt][Hh]$",
                                        err = "must not be content-length",
                                      },
                                      {
                                        pattern = "^[Cc][Oo][Nn][Tt][Ee][Nn][Tt][-][Tt][Yy][Pp][Ee]$",
                                        err = "must not be content-type",
                                      },
                                      {
                                        pattern = "^[Ee][Xx][Pp][Ee][Cc][Tt]$",
                                        err = "must not be expect",
                                      },
                                      { pattern = "^[Hh][Oo][Ss][Tt]$", err = "must not be host" },
                                    },
                                    match_all = {
                                      {
                                        pattern = "^[A-Za-z0-9_-]+$",
                                        err = "must be a header name",
                                      },
                                    },
                                    description = "For `propagate` with `named`: the name it is sent on under.",
                                  },
                                },
                                {
                                  default = {
                                    type = "string",
                                    len_max = 8192,
                                    match = "^[ -~]+$",
                                    err = "must be one line of printable ASCII",
                                    description = "For `propagate` with `named`, and for `value_from`: the value if there is none.",
                                  },
                                },
                                {
                                  value = {
                                    type = "string",
                                    len_max = 8192,
                                    referenceable = true,
                                    encrypted = true,
                                    match = "^[ -~]+$",
                                    err = "must be one line of printable ASCII",
                                    description = "For `insert`: the value.",
                                  },
                                },
                                {
                                  value_from = {
                                    type = "string",
                                    one_of = {
                                      "consumer_id",
                                      "consumer_username",
                                      "consumer_custom_id",
                                      "consumer_tags",
                                      "credential_id",
                                      "groups",
                                      "scopes",
                                    },
                                    description = "For `insert`: what Kong knows of who asks. Whatever the client sent under this name is not sent, also if Kong knows nothing.",
                                  },
                                },
                              },
                              entity_checks = {
                                { only_one_of = { "named", "matching" } },
                                {
                                  conditional = {
                                    if_field = "op",
                                    if_match = { one_of = { "insert" } },
                                    then_field = "named",
                                    then_match = { required = true },
                                    then_err = "needs named where op is insert",
                                  },
                                },
                                { mutually_exclusive = { "value", "value_from" } },
                                { mutually_exclusive = { "value", "default" } },
                                { mutually_exclusive = { "named", "exclude" } },
                                { mutually_exclusive = { "matching", "rename" } },
                                { mutually_exclusive = { "matching", "default" } },
                              },
                            },
                            description = "Rules for the client's headers on their way to subgraphs. Without a rule only trace context and request ids are sent on.",
                            default = {},
                          },
                        },
                      },
                      description = "Rules that hold in addition to those of the defaults.",
                      required = true,
                    },
                  },
                },
              },
              description = "What holds for single subgraphs; those that are not named have the defaults.",
              default = {},
            },
          },
          {
            operations = {
              type = "record",
              fields = {
                {
                  introspection = {
                    type = "boolean",
                    description = "Whether `__schema` and `__type` are answered. They show the whole schema.",
                    default = false,
                  },
                },
                {
                  get = {
                    type = "boolean",
                    description = "Whether queries may be sent with GET.",
                    default = true,
                  },
                },
                {
                  mutations = { type = "boolean", description = "Whether mutations are run.", default = true },
                },
                {
                  deduplicate = {
                    type = "boolean",
                    description = "Whether identical queries of clients share one execution while it is under way. Identical means document, variables, who asks, and all headers but those of traces, request ids and the message itself. Mutations are never shared, and what was asked before one of them ended is not shared afterwards.",
                    default = false,
                  },
                },
              },
              description = "Which operations are run.",
              required = true,
            },
          },
          {
            override_labels = {
              type = "array",
              elements = {
                type = "record",
                fields = {
                  {
                    label = {
                      type = "string",
                      len_max = 256,
                      description = "The label, as in the supergraph. A label `percent(N)` is on for that share of clients without being named here.",
                      required = true,
                    },
                  },
                  {
                    enabled = {
                      type = "boolean",
                      description = "Whether it is on for every request.",
                      default = false,
                    },
                  },
                  {
                    percent = {
                      type = "number",
                      between = { 0, 100 },
                      description = "The share of clients it is on for; absent: what a label `percent(N)` says, otherwise none. In percent.",
                    },
                  },
                  {
                    header = {
                      type = "string",
                      match = "^[A-Za-z0-9_-]+$",
                      err = "must be a header name",
                      description = "A request header that switches it on, whatever the share, by any value but an empty one, `0`, `false`, `no` and `off`. Whoever may send it chooses for themselves.",
                    },
                  },
                  {
                    consumer_groups = {
                      type = "array",
                      elements = { type = "string" },
                      description = "Groups for whose members it is on, whatever the share; `identity.groups` says where groups are told.",
                      default = {},
                    },
                  },
                },
              },
              description = "When labels of progressive `@override`s are on. Those that are not named are off, but for `percent(N)`.",
              default = {},
            },
          },
          {
            override_stickiness = {
              type = "string",
              one_of = { "consumer", "client", "none" },
              description = "By what a client is known, so that it stays on its side of a share. `consumer`: what Kong's authentication plugins say in headers (X-Consumer-Id, X-Consumer-Custom-Id, X-Credential-Identifier), without them as `client`. `client`: the first address of X-Forwarded-For, or X-Real-IP, without them as `none`. `none`: each request is a new client.",
              default = "consumer",
            },
          },
          {
            identity = {
              type = "record",
              fields = {
                {
                  groups = {
                    type = "record",
                    fields = {
                      {
                        ctx_key = {
                          type = "string",
                          len_max = 256,
                          description = "A member of `kong.ctx.shared` that another plugin sets: a list of texts, or one text.",
                        },
                      },
                      {
                        jwt_claim = {
                          type = "string",
                          len_max = 256,
                          description = "A claim of the token that Kong's `jwt` plugin has verified: a list of texts, or one text.",
                        },
                      },
                      {
                        header = {
                          type = "string",
                          match = "^[A-Za-z0-9_-]+$",
                          err = "must be a header name",
                          description = "A request header, such as `X-Consumer-Groups` behind Kong's `acl` or `X-Authenticated-Scope` behind its `oauth2`. It is read only of a client that has authenticated. A client can send it too: name it only where a plugin always sets it.",
                        },
                      },
                    },
                    description = "Where the groups of who asks are told.",
                    required = true,
                  },
                },
                {
                  scopes = {
                    type = "record",
                    fields = {
                      {
                        ctx_key = {
                          type = "string",
                          len_max = 256,
                          description = "A member of `kong.ctx.shared` that another plugin sets: a list of texts, or one text.",
                        },
                      },
                      {
                        jwt_claim = {
                          type = "string",
                          len_max = 256,
                          description = "A claim of the token that Kong's `jwt` plugin has verified: a list of texts, or one text.",
                        },
                      },
                      {
                        header = {
                          type = "string",
                          match = "^[A-Za-z0-9_-]+$",
                          err = "must be a header name",
                          description = "A request header, such as `X-Consumer-Groups` behind Kong's `acl` or `X-Authenticated-Scope` behind its `oauth2`. It is read only of a client that has authenticated. A client can send it too: name it only where a plugin always sets it.",
                        },
                      },
                    },
                    description = "Where the scopes that were granted are told.",
                    required = true,
                  },
                },
              },
              description = "What is known of who asks.",
              required = true,
            },
          },
          {
            limits = {
              type = "record",
              fields = {
                {
                  max_body_size = {
                    type = "integer",
                    between = { 1, 2147483646 },
                    description = "Largest body (or query string) of a client's request. Answers floods of memory. In bytes.",
                    default = 2000000,
                  },
                },
                {
                  max_tokens = {
                    type = "integer",
                    between = { 1, 1000000 },
                    description = "Most lexical tokens of a document. Answers documents that are long to parse and to validate. In tokens.",
                    default = 15000,
                  },
                },
                {
                  max_recursion = {
                    type = "integer",
                    between = { 1, 1000 },
                    description = "Deepest nesting of brackets of any kind in a document, counted before it is parsed. Answers documents that exhaust a recursive parser's stack. In levels.",
                    default = 500,
                  },
                },
                {
                  max_depth = {
                    type = "integer",
                    between = { 1, 1000 },
                    description = "Deepest nesting of fields in an operation, fragments included. Answers queries that follow cyclic relations; not limited if absent. In fields.",
                  },
                },
                {
                  max_aliases = {
                    type = "integer",
                    between = { 0, 2147483646 },
                    description = "Most aliased fields in an operation, fragments counted as often as they are spread. Answers one field asked for thousands of times under other names. In fields.",
                    default = 50,
                  },
                },
                {
                  max_root_fields = {
                    type = "integer",
                    between = { 1, 2147483646 },
                    description = "Most fields at the root of an operation, fragments counted as often as they are spread. Answers batches of attempts, such as guesses of a password, in one request. In fields.",
                    default = 20,
                  },
                },
                {
                  max_directives = {
                    type = "integer",
                    between = { 0, 2147483646 },
                    description = "Most directives in an operation, fragments counted as often as they are spread. Answers directives repeated to make validation and planning slow. In directives.",
                    default = 50,
                  },
                },
                {
                  max_response_size = {
                    type = "integer",
                    between = { 1, 2147483646 },
                    description = "Largest answer of one subgraph request, decompressed. Answers a subgraph that floods the gateway's memory. In bytes.",
                    default = 33554432,
                  },
                },
                {
                  deadline = {
                    type = "integer",
                    between = { 1, 55000 },
                    description = "Time in which every request is answered, if need be with an error. Kong itself gives up after 60 seconds. In milliseconds.",
                    default = 30000,
                  },
                },
              },
              description = "What one request may spend.",
              required = true,
            },
          },
          {
            planning = {
              type = "record",
              fields = {
                {
                  cache_max_bytes = {
                    type = "integer",
                    between = { 0, 1099511627776 },
                    description = "Memory that plans may hold, per worker process and graph (estimated). In bytes.",
                    default = 134217728,
                  },
                },
                {
                  cache_max_entries = {
                    type = "integer",
                    between = { 0, 2147483646 },
                    description = "Most plans that are held, per worker process and graph. In plans.",
                    default = 4096,
                  },
                },
                {
                  timeout = {
                    type = "integer",
                    between = { 1, 55000 },
                    description = "Time in which one operation must be parsed, validated and planned. In milliseconds.",
                    default = 2000,
                  },
                },
                {
                  store = {
                    type = "record",
                    fields = {
                      {
                        enabled = {
                          type = "boolean",
                          description = "Whether plans are kept on the disk.",
                          default = true,
                        },
                      },
                      {
                        path = {
                          type = "string",
                          len_max = 4096,
                          description = "A directory on the Kong node, made if it is missing, that belongs to the plugin server's user alone; absent: `plans` in the plugin server's runtime directory. On a disk of the node: other nodes cannot share it.",
                        },
                      },
                      {
                        max_bytes = {
                          type = "integer",
                          between = { 1048576, 1099511627776 },
                          description = "Size of the file on the disk; what is used least is given up first. A log of a few megabytes may stand beside it. Graphs that share a directory share the file, and the smallest size that one of them is given. In bytes.",
                          default = 268435456,
                        },
                      },
                    },
                    description = "How plans are kept on the disk.",
                    required = true,
                  },
                },
                {
                  warmup = {
                    type = "record",
                    fields = {
                      {
                        on_start = {
                          type = "boolean",
                          description = "Whether a worker that starts fetches the plans of the most used operations from the store, in the background.",
                          default = true,
                        },
                      },
                      {
                        on_reload = {
                          type = "boolean",
                          description = "Whether the most used operations are planned for another supergraph before it is taken; the one before serves meanwhile.",
                          default = true,
                        },
                      },
                      {
                        max_operations = {
                          type = "integer",
                          between = { 0, 2147483646 },
                          description = "Most operations that are warmed, per worker. In operations.",
                          default = 1000,
                        },
                      },
                      {
                        items_per_second = {
                          type = "integer",
                          between = { 1, 10000 },
                          description = "Most operations that a worker warms in a second. In operations.",
                          default = 50,
                        },
                      },
                      {
                        timeout = {
                          type = "integer",
                          between = { 0, 600000 },
                          description = "Time after which warming ends, whatever is left; so much later another supergraph is taken at the latest. In milliseconds.",
                          default = 30000,
                        },
                      },
                    },
                    description = "Which operations are planned ahead.",
                    required = true,
                  },
                },
              },
              description = "What planning may cost, and how plans are kept.",
              required = true,
            },
          },
          {
            passthrough = {
              type = "record",
              fields = {
                {
                  enabled = {
                    type = "boolean",
                    description = "Whether it is done. Subgraphs' errors cannot be masked then, so `security.mask_errors` must be false.",
                    default = false,
                  },
                },
                {
                  min_response_size = {
                    type = "integer",
                    between = { 0, 2147483646 },
                    description = "Only operations whose answers have been at least so large are passed through; 0: all that can be. Small answers cost less CPU when the plugin answers, from about 32768 on it is the other way round. In bytes.",
                    default = 0,
                  },
                },
              },
              description = "Which operations are left to nginx.",
              required = true,
            },
          },
          {
            security = {
              type = "record",
              fields = {
                {
                  csrf = {
                    type = "boolean",
                    description = "Whether requests that a browser sends for a foreign page without asking first (no preflight) are refused.",
                    default = true,
                  },
                },
                {
                  csrf_headers = {
                    type = "array",
                    elements = { type = "string", match = "^[A-Za-z0-9_-]+$", err = "must be a header name" },
                    description = "Any of these headers, not empty, shows that the browser asked first.",
                    default = { "x-apollo-operation-name", "apollo-require-preflight" },
                  },
                },
                {
                  mask_errors = {
                    type = "boolean",
                    description = "Whether texts and extensions of subgraphs' errors are kept from clients.",
                    default = true,
                  },
                },
              },
              description = "What is refused and what is hidden.",
              required = true,
            },
          },
          {
            telemetry = {
              type = "record",
              fields = {
                {
                  log_serializer = {
                    type = "boolean",
                    description = "Whether facts about the operation are part of what Kong's log plugins write, under `graphql`.",
                    default = true,
                  },
                },
                {
                  shared_context = {
                    type = "boolean",
                    description = "Whether the same facts are put into `kong.ctx.shared.graphql` for other plugins.",
                    default = true,
                  },
                },
              },
              description = "What is told to other plugins.",
              required = true,
            },
          },
        },
      },
    },
  },
}
