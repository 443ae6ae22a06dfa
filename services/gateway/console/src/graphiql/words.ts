import type { Language } from "../brand/language";

const en = {
  token: "Token or API key",
  tokenHint: "Paste a session token or an API key",
  tenant: "Tenant",
  tenantHint: "Only if you work for several",
  kept: "Kept in this browser tab only.",
  show: "Show",
  hide: "Hide",
  examples: "Examples",
  firstQuery:
    "# Paste a token or an API key above, then write an operation here.\n# Ctrl+Space completes, Ctrl+Enter runs. The book icon on the left opens the schema.\n\nquery Hello {\n  __typename\n}\n",
};

const zh: typeof en = {
  token: "令牌或 API 密钥",
  tokenHint: "粘贴会话令牌或 API 密钥",
  tenant: "商家",
  tenantHint: "服务多个商家时填写",
  kept: "仅保存在当前浏览器标签页中。",
  show: "显示",
  hide: "隐藏",
  examples: "示例",
  firstQuery:
    "# 先在上方粘贴令牌或 API 密钥，再在这里写操作。\n# Ctrl+Space 补全，Ctrl+Enter 运行。左侧书本图标可查看接口定义。\n\nquery Hello {\n  __typename\n}\n",
};

export type Words = typeof en;
export const WORDS: Record<Language, Words> = { en, zh };
