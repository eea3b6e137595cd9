const table = `
# # | h a | e s | Ġ t | Ġ a | h e | Ġ i | a r | Ġ H | Ġi s |
Ġ d | Ġ m | e r | ar s | o l | o w | Ġ n | Ġ ha | e f | ## ## |
o r | Ġ S | Ġ f | a y | d s | Ġ b | t s | a l | Ġ y | o t |
ĠH e | ĠS he | ot al | t otal | ĠH ow | e n | Ġm a | Ġt ha | Ġha s | Ġ c |
e a | c h | i n | ef t | l eft | n y | Ġma ny | u m | l ars | ol lars |
Ġd ollars | Ġ o | Ġ s | or e | e ars | Ġy ears | ol d | Ġ old | Ġt he | L e |
t h | o u | Ġ g | b er | um ber | Ġn umber | Ġ I | Ġtha n | Ġo f | o es |
Ġ T | Ġ l | o n | i m | ea ch | o m | Ġf or | ef ore | Ġn ow | e e |
w ay | Ġa way | Ġ Le | k es | l l | Ġ k | Ġ e | s t | i r | Ġ E |
Ġ M | Ġt a | v e | Ġd oes | Ġha ve | ĠI t | Ġa d | ll s | ou r | b efore |
y s | i t | J ay | Z o | Zo e | i a | v a | A n | An n | B en |
Ġta kes | v y | ĠT he | K im | a m | Ġk i | a x | Ġ w | Ġad ds | W ha |
Wha t | Ġ What | Ġtha t | Ġ = | Ġd ay | m on | l es | Ġold er | Ġ each | Ġb o |
r e | e ts | Ġg ets | i v | en ts | k e | g er | n ger | ou nger | Ġy ounger |
ar ds | ĠLe t | Ġm ore | o ys | Ġt oys | u t | er y | v ery | Ġe very | Ġbo x |
Ġ Jay | Ġa n | ĠLe o | h our | Ġ hour | Ġ Zoe | in ut | Ġm inut | ĠM ia | ĠE va |
ĠT om | k s | ĠI vy | Ġ Ben | Ġ Ann | a ch | ĠE ach | Ġ p | er s | it ers |
Ġl iters | ĠM ax | Ġ Kim | in s | o ins | Ġc oins | i les | Ġm iles | ĠS am | Ġc ards |
Ġbox es | Ġday s | ea ds | Ġb eads | Ġki d | he lls | Ġs hells | e y | mon ey | ee t |
ir d | Ġc ents | u ts | Ġ r | Ġa s | our th | ar t | p art | Ġt h | c on |
con d | e cond | i st | ir st | it es | r ites | th ird | Ġf irst | Ġl ist | Ġw rites |
Ġf i | p s | Ġg oes | o s | os es | Ġl oses | Ġb u | im es | Ġki ds | f ourth |
Ġf eet | f th | ch es | in ds | Ġf inds | c o | co st | Ġbu ys | Le o | i d |
S am | u l | E va | M ia | Ġma kes | I vy | T om | M ax | ar ts | q u |
qu arts | Ġfi lls | ar n | arn s | Ġe arns | ee ps | ke p | kep t | Ġk eeps | Ġi n |
ea ts | Ġ eats | g iv | giv en | iv es | Ġg ives | s econd | en ds | p ends | Ġs pends |
ha r | har es | mon g | Ġa mong | Ġs hares | Ġthe m | Ġr o | Ġb y | Ġi t | Ġan d |
Ġhour s | Ġminut e | Ġminut es | i x | ix th | f i | fi fth | Ġs e | a s | in ks |
Ġth inks | Ġw as | e x | ex t | Ġb efore | Ġn ext | Ġ + | c ents | Ġt imes | l um |
lum s | Ġp lums | Ġn uts | i p | w ee | p les | p ples | Ġa pples | Ġin ches | wee ts |
Ġs weets | Ġ - | ha ir | hair s | Ġc hairs | Ġro om | e g | eg re | egre es | id e |
uts ide | Ġd egrees | Ġo utside | c ke | cke l | i ckel | Ġ quarts | n e | Ġo ne | Ġa re |
Ġn ickel | Ġthe re | a in | Ġw ee | al l | all on | s ixth | en th | v enth | Ġg allon |
c om | com e | in come | Ġse lls | Ġb a | g ain | ul e | Ġa gain | Ġad d | Ġr ule |
Ġta ke | Ġthe n | i es | ip l | ipl ies | t iplies | ul tiplies | Ġm ultiplies | Le t | a t |
Ġnickel s | Ġy ards | Ġwee ks | Ġd imes | f eet | ay s | d ays | Ġgallon s | id es | iv ides |
Ġd ivides | w o | Ġs econd | Ġs um | Ġt wo | A ll | at e | i s | r ate | Ġ All |
Ġth is | in ches | c k | e venth | s eventh | Ġ * | ha re | s hare | u ps | Ġc ups |
Ġha ts | ea ks | r eaks | Ġb reaks | g s | Ġba gs | en s | Ġp ens | o ks | Ġbo oks |
Ġf ourth | Ġs ixth | Ġse venth | Ġ / | Ġba ck | Ġfi fth | Ġa ll | Ġp ut | a c | ac t |
act or | actor y | Ġf actory | Ġwee k | ar d | ip e | Ġp ipe | Ġy ard | Ġt r | im e |
o ot | Ġd ime | Ġf oot | b ot | Ġro bot | um p | Ġp ump | Ġth ird | es s | Ġl ess |
g h | gh th | i ghth | Ġtr ain | Ġbu s | u ck | Ġtr uck | Ġbo at | e ighth | Ġe ighth |
y ards | ickel s | n ickels | allon s | g allons | d imes | wee ks
`;

/** The pocket tokenizer's merges, earliest first; written by tools/build-pocket-merges.ts. */
export const pocketMerges: readonly string[] = table.trim().split(/ \|\s/);
