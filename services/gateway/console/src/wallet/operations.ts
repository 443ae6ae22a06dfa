// The texts stand in frontend-contracts, so that the server trusts them and a test runs each against the schema.
import cancelRedemptionAsMember from "../../../../../frontend-contracts/operations/CancelRedemptionAsMember.graphql?raw";
import closeWallet from "../../../../../frontend-contracts/operations/CloseWallet.graphql?raw";
import openWallet from "../../../../../frontend-contracts/operations/OpenWallet.graphql?raw";
import pickupStores from "../../../../../frontend-contracts/operations/PickupStores.graphql?raw";
import redeemAsMember from "../../../../../frontend-contracts/operations/RedeemAsMember.graphql?raw";
import updateMyPreferences from "../../../../../frontend-contracts/operations/UpdateMyPreferences.graphql?raw";
import wallet from "../../../../../frontend-contracts/operations/Wallet.graphql?raw";
import walletCoupons from "../../../../../frontend-contracts/operations/WalletCoupons.graphql?raw";
import walletHistory from "../../../../../frontend-contracts/operations/WalletHistory.graphql?raw";
import walletRedemptions from "../../../../../frontend-contracts/operations/WalletRedemptions.graphql?raw";
import walletRewards from "../../../../../frontend-contracts/operations/WalletRewards.graphql?raw";

/** A document with what it answers and what it takes; both are types only. */
export interface Operation<Data, Variables> {
  readonly text: string;
  readonly types?: (variables: Variables) => Data;
}

export interface Localized {
  en: string;
  zh: string;
}

export interface Refusal {
  __typename: string;
  code: string;
  message: string;
}

export interface Page<Item> {
  edges: { node: Item }[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

export interface PageVariables {
  first: number;
  after: string | null;
}

export interface CardCode {
  text: string;
  validFrom: string;
  validUntil: string;
}

export interface Card {
  number: string;
  bars: number[] | null;
  merchantName: string;
  unit: string;
  unitName: Localized;
  unitScale: number;
  codes: CardCode[];
  ending: { points: number; at: string }[];
  applePassUrl: string | null;
  googleSaveUrl: string | null;
}

export interface Tier {
  tier: { code: string; name: Localized; benefits: Localized[] };
  progress: { missing: number; fraction: string; nextTier: { name: Localized } | null };
}

export interface Member {
  id: string;
  name: string | null;
  locale: string;
  timezone: string;
  enrolledAt: string;
  balances: { unit: string; available: number; pending: number; owed: number }[];
  card: Card | null;
  tier: Tier | null;
}

export interface WalletData {
  tenant: { now: string };
  me: Member | null;
}

export interface Entry {
  id: string;
  kind: string;
  points: number;
  occurredAt: string;
  reason: string | null;
  store: { name: string } | null;
}

export interface Money {
  amount: string;
  currency: string;
}

/** What has a kind and perhaps pictures: addresses elsewhere, or paths of the house's own. */
export interface Illustrated {
  kind: string;
  terms: { images: string[] };
}

export interface Reward extends Illustrated {
  id: string;
  name: Localized;
  description: Localized;
  costPoints: number;
  stock: number | null;
  terms: {
    availableUntil: string | null;
    images: string[];
    stores: string[];
    price: { money: Money | null };
    tierPrices: { tier: string; price: { points: number; money: Money | null } }[];
  };
}

export interface PickupStore {
  id: string;
  name: string;
  address: string | null;
}

export interface CouponTerms {
  name: Localized;
  description: Localized;
  benefit: { kind: string; percent: string | null; amount: Money | null };
  minimum: { amount: Money | null };
}

export interface Coupon {
  id: string;
  code: string | null;
  status: string;
  expiresAt: string | null;
  terms: CouponTerms | null;
}

/** What is shown to get what was redeemed. */
export interface Handed {
  codes: string[];
  pickupCode: string | null;
  pickupStore: { name: string } | null;
  deliveryReference: string | null;
}

export interface Redemption extends Handed {
  id: string;
  points: number;
  status: string;
  occurredAt: string;
  expiresAt: string | null;
  quantity: number;
  isCancelableByMember: boolean;
  rewardName: Localized | null;
  reward: Illustrated | null;
}

export interface Opened {
  __typename: "OpenWalletPayload";
  token: string;
  expiresInSeconds: number;
  deviceKey: string | null;
}

export interface Redeemed {
  __typename: "RedeemAsMemberPayload";
  redemption: Handed | null;
  points: number;
  balance: number;
}

export interface Canceled {
  __typename: "CancelRedemptionAsMemberPayload";
  points: number;
  balance: number;
}

export interface Updated {
  __typename: "UpdateMyPreferencesPayload";
  member: { id: string; name: string | null; locale: string };
}

interface Input<Fields> {
  input: Fields;
}

export const OPEN: Operation<{ openWallet: Opened | Refusal }, Input<{ credential: string }>> = { text: openWallet };
export const CLOSE: Operation<{ closeWallet: Refusal | { __typename: string } }, Input<{ deviceKey: string }>> = {
  text: closeWallet,
};
export const WALLET: Operation<WalletData, Record<string, never>> = { text: wallet };
export const HISTORY: Operation<{ me: { ledger: Page<Entry> } | null }, PageVariables> = { text: walletHistory };
export const REWARDS: Operation<{ me: { rewardsOffered: Page<Reward> } | null }, PageVariables> = {
  text: walletRewards,
};
export const REDEMPTIONS: Operation<{ me: { redemptions: Page<Redemption> } | null }, PageVariables> = {
  text: walletRedemptions,
};
export const COUPONS: Operation<{ me: { coupons: Page<Coupon> } | null }, PageVariables> = { text: walletCoupons };
export const REDEEM: Operation<
  { redeemAsMember: Redeemed | Refusal },
  Input<{ rewardId: string; expectedPoints: number; idempotencyKey: string; pickupStoreId: string | null }>
> = { text: redeemAsMember };
export const PICKUP_STORES: Operation<
  { pickupStores: { stores: PickupStore[] } | Refusal },
  Input<{ rewardId: string; search: string | null }>
> = { text: pickupStores };
export const CANCEL: Operation<
  { cancelRedemptionAsMember: Canceled | Refusal },
  Input<{ redemptionId: string; idempotencyKey: string }>
> = { text: cancelRedemptionAsMember };
export const UPDATE: Operation<
  { updateMyPreferences: Updated | Refusal },
  Input<{ name?: string | null; locale?: string }>
> = { text: updateMyPreferences };
