// Amazon's marketplaces by their id: the code that sellers say, the country, the shop's host.

const MARKETPLACES = {
  A2EUQ1WTGCTBG2: ["CA", "Canada", "amazon.ca"],
  ATVPDKIKX0DER: ["US", "United States", "amazon.com"],
  A1AM78C64UM0Y8: ["MX", "Mexico", "amazon.com.mx"],
  A2Q3Y263D00KWC: ["BR", "Brazil", "amazon.com.br"],
  A28R8C7NBKEWEA: ["IE", "Ireland", "amazon.ie"],
  A1RKKUPIHCS9HS: ["ES", "Spain", "amazon.es"],
  A1F83G8C2ARO7P: ["UK", "United Kingdom", "amazon.co.uk"],
  A13V1IB3VIYZZH: ["FR", "France", "amazon.fr"],
  AMEN7PMS3EDWL: ["BE", "Belgium", "amazon.com.be"],
  A1805IZSGTT6HS: ["NL", "Netherlands", "amazon.nl"],
  A1PA6795UKMFR9: ["DE", "Germany", "amazon.de"],
  APJ6JRA9NG5V4: ["IT", "Italy", "amazon.it"],
  A2NODRKZP88ZB9: ["SE", "Sweden", "amazon.se"],
  AE08WJ6YKNBMC: ["ZA", "South Africa", "amazon.co.za"],
  A1C3SOZRARQ6R3: ["PL", "Poland", "amazon.pl"],
  ARBP9OOSHTCHU: ["EG", "Egypt", "amazon.eg"],
  A33AVAJ2PDY3EV: ["TR", "Turkey", "amazon.com.tr"],
  A17E79C6D8DWNP: ["SA", "Saudi Arabia", "amazon.sa"],
  A2VIGQ35RCS4UG: ["AE", "United Arab Emirates", "amazon.ae"],
  A21TJRUUN4KGV: ["IN", "India", "amazon.in"],
  A19VAU5U5O7RUS: ["SG", "Singapore", "amazon.sg"],
  A39IBJ37TRP1C6: ["AU", "Australia", "amazon.com.au"],
  A1VC38T7YXB528: ["JP", "Japan", "amazon.co.jp"],
};

/** {code, country, host} of a marketplace; an unknown one is called by its id. */
export function marketplace(id) {
  const [code, country, host] = Object.hasOwn(MARKETPLACES, id) ? MARKETPLACES[id] : [id, id, null];
  return { code, country, host };
}
